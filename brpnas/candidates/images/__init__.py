"""Images with labels, to train candidate networks on.

`ImageSource` names a data set: the digits that come with scikit-learn, a folder of pictures, or an
NPZ or Parquet file. `ImageSource.load` gives `ImageData`, or says in a sentence what is wrong.
"""

from brpnas.candidates.images.data import SPLITS, ImageData
from brpnas.candidates.images.source import DIGITS, ImageSource

__all__ = ["DIGITS", "SPLITS", "ImageData", "ImageSource"]
