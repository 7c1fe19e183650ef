"""Null parameters, filled in before a pipeline starts: network size and data set.

Both follow from the images, if any. The images are read here, once: a size different from theirs is
an error before any training.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from brpnas.errors import ConfigurationError
from pipelines.config import ImagesConfig, NetworkSize, parse

if TYPE_CHECKING:
    from brpnas.candidates import ImageSource

__all__ = ["resolve"]


def resolve(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The same parameters with numbers for `network` and a name for `dataset`.

    Raises:
        ConfigurationError: If `network` differs from the images, or `dataset` is null without
            images.
        SourceError: If the images are unreadable.
        SchemaError: If they are not images with labels.
    """
    images = parse(ImagesConfig, parameters["images"])
    network = parse(NetworkSize, parameters["network"])
    source = None if images.path is None else _source(images)
    size = _size(network, parameters["space"], source)
    dataset = parameters["dataset"]
    if dataset is None:
        if source is None:
            raise ConfigurationError(
                "`dataset` is null, the data set of the images, and images.path is null too. Set "
                "`dataset` to the name of a data set, or images.path to the images."
            )
        dataset = source.name
    return {**parameters, "network": size, "dataset": dataset}


def _source(images: ImagesConfig) -> ImageSource:
    from pipelines.training import image_source  # noqa: PLC0415 - only where there are images

    return image_source(images)


def _size(network: NetworkSize, space: str, source: ImageSource | None) -> dict[str, Any]:
    from brpnas.spaces import get_space  # noqa: PLC0415

    published = get_space(space).published
    given = network.model_dump()
    size = {name: getattr(published, name) for name in given} | _set(given)
    if source is not None:
        shape, labels = source.shape_and_labels()
        theirs = {"input_shape": shape, "classes": len(labels)}
        differing = [
            name for name, value in _set(given).items() if theirs.get(name, value) != value
        ]
        if differing:
            wrong = ", ".join(f"network.{name} is {_text(given[name])}" for name in differing)
            right = ", ".join(f"{name} {_text(theirs[name])}" for name in differing)
            raise ConfigurationError(
                f"{wrong}, but the images {source.path} of images.path have {right}: set "
                f"{' and '.join(f'network.{name}' for name in differing)} to null, the value of "
                "the images."
            )
        size |= theirs
    return {name: list(v) if isinstance(v, tuple) else v for name, v in size.items()}


def _set(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _text(value: Any) -> str:
    return " x ".join(map(str, value)) if isinstance(value, tuple) else str(value)
