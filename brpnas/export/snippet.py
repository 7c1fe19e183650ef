"""Code for the model card: how to load an ONNX file, make its input, and run it.

`tensor_snippet` fits any file; `image_snippet` a classifier of images whose metadata state its
preprocessing, from an image to the name of its class.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from brpnas.export.interface import TensorSpec
from brpnas.graphs import DEVICE_VIEWS, View

__all__ = ["image_snippet", "tensor_snippet"]

_STATED = ("pixel_scale", "mean", "std", "label_names")
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_WIDE = ("I;16", "F")
"""Modes of Pillow for pictures of 16 bits and of floats."""
_SIXTEEN = (
    'if picture.mode == "I":  # 16 bits in integers of 32, as PGM is read',
    "    assert 0 <= picture.getextrema()[0] <= picture.getextrema()[1] < 2**16",
    "    picture = Image.fromarray(np.asarray(picture).astype(np.uint16))",
)
_BYTES = 255.0

_HEAD = """\
session = ort.InferenceSession({name}, providers=["CPUExecutionProvider"])"""
_IMAGE = """\
about = session.get_modelmeta().custom_metadata_map
mean, std = (np.array(json.loads(about[key]), np.float32)[:, None, None] for key in ("mean", "std"))

{pixels}
image = (pixels / json.loads(about["pixel_scale"]) - mean) / std
(logits,) = session.run([{output}], {{{input}: image[None].astype(np.float32)}})
print(json.loads(about["label_names"])[int(logits[0].argmax())])"""


def image_snippet(
    name: str,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    metadata: Mapping[str, str],
) -> str | None:
    """Code to classify one image; None if the file does not state its preprocessing."""
    if any(key not in metadata for key in _STATED) or len(inputs) != 1:
        return None
    channels, height, width = (int(size) for size in inputs[0].shape[1:])
    scale = float(json.loads(metadata["pixel_scale"]))
    steps = json.loads(metadata.get("preprocessing", "{}"))
    pictures = scale == _BYTES or steps.get("colours") in _WIDE
    lines = ["import json", "", "import numpy as np", "import onnxruntime as ort"]
    lines += ["from PIL import Image, ImageOps"] if pictures else []
    pixels = (
        _from_picture(channels, height, width, steps)
        if pictures
        else _from_array(channels, height, width, scale)
    )
    names = {"input": json.dumps(inputs[0].name), "output": json.dumps(outputs[0].name)}
    body = _IMAGE.format(pixels=pixels, **names)
    return "\n".join([*lines, "", _HEAD.format(name=json.dumps(name)), body])


def _from_picture(channels: int, height: int, width: int, steps: Mapping[str, Any]) -> str:
    axes = "[None]" if channels == 1 else ".transpose(2, 0, 1)"
    stated = steps.get("colours")
    mode = stated if stated in _WIDE else _MODES[channels]
    lines = ['picture = ImageOps.exif_transpose(Image.open("picture.png"))']
    if mode in _WIDE:
        lines += _SIXTEEN if mode == "I;16" else []
        lines += [f'assert picture.mode.startswith("{mode}")  # not converted: it would be cut']
    else:
        lines += [f'picture = picture.convert("{mode}")']
    if steps.get("resize"):  # band by band: alpha is a channel like the others
        fitted = f"ImageOps.fit({{}}, ({width}, {height}), Image.Resampling.BILINEAR)"
        band = f"[{fitted.format('band')} for band in picture.split()]"
        whole = f'Image.merge("RGBA", {band})' if channels == 4 else fitted.format("picture")
        lines += [f"picture = {whole}"]
    lines += [f"assert picture.size == ({width}, {height})  # width, height"]
    lines += [f"pixels = np.asarray(picture, np.float32){axes}"]
    return "\n".join(lines)


def _from_array(channels: int, height: int, width: int, scale: float) -> str:
    values = f"values as in the training data, divided by {scale:g} below"
    return (
        f'pixels = np.load("image.npy").astype(np.float32)  # {values}\n'
        f"assert pixels.shape == ({channels}, {height}, {width})  # channels, height, width"
    )


def tensor_snippet(
    name: str,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    encoded: tuple[str, View | Literal["both"], str] | None = None,
) -> str:
    """Code to run a file on zeros, or on an encoded architecture.

    ``encoded`` is space, view and architecture string. With both views, the inputs are named
    ``<view>_ops`` and ``<view>_adj``.
    """
    lines = ["import numpy as np", "import onnxruntime as ort"]
    if encoded:
        space, view, example = encoded
        views = DEVICE_VIEWS if view == "both" else (view,)
        lines += [
            "",
            "from brpnas.spaces import get_space",
            "",
            f"space, example = get_space({json.dumps(space)}), {json.dumps(example)}",
            *(f'{name} = space.encode([example], "{name}")' for name in views),
        ]
    lines += ["", _HEAD.format(name=json.dumps(name)), "feeds = {"]
    for spec in inputs:
        shape = tuple(size if isinstance(size, int) else 1 for size in spec.shape)
        value = f"np.zeros({shape}, np.{spec.dtype})"
        if encoded:
            path = spec.name.replace("_", ".") if view == "both" else f"{view}.{spec.name}"
            value = f"{path}.astype(np.{spec.dtype})"
        lines.append(f"    {json.dumps(spec.name)}: {value},")
    lines.append("}")
    for spec in outputs:
        shown = json.dumps(spec.name)
        lines.append(f"print({shown}, session.run([{shown}], feeds)[0])")
    return "\n".join(lines)
