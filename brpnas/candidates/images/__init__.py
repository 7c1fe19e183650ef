"""Labelled images for training networks.

`ImageSource` names a data set: the digits of scikit-learn, a folder of pictures, or an NPZ or
Parquet file. `ImageSource.load` returns `ImageData`, or raises an error in a sentence.
"""

from brpnas.candidates.images.data import SPLITS, ImageData
from brpnas.candidates.images.source import DIGITS, ImageSource

__all__ = ["DIGITS", "SPLITS", "ImageData", "ImageSource"]
