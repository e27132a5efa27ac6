"""What all functions of images share: the order of their axes, single images and batches, checks."""

from __future__ import annotations

from nbkeras import config
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.ops import shaping
from nbkeras.ops.common import tensor


def data_format_of(data_format, name: str) -> str:
    """A data format; that of the settings for None.

    Raises:
        ArgumentError: it is neither 'channels_last' nor 'channels_first'.
    """
    found = config.image_data_format() if data_format is None else str(data_format)
    if found not in ("channels_last", "channels_first"):
        raise ArgumentError(f"{name}: data_format must be 'channels_last' or 'channels_first', got {data_format!r}.")
    return found


def batch_of(images, data_format, name: str):
    """Images as (N, H, W, C), and a function that brings such a result back to the order and rank of the images.

    Raises:
        ShapeError: they have neither three axes (one image) nor four.
    """
    images = tensor(images)
    data_format = data_format_of(data_format, name)
    rank = len(images.shape)
    if rank not in (3, 4):
        raise ShapeError(
            f"{name}: expected one image, of rank 3, or a batch of them, of rank 4, got shape {tuple(images.shape)}."
        )

    def back(y):
        y = shaping.moveaxis(y, -1, 1) if data_format == "channels_first" else y
        return shaping.squeeze(y, 0) if rank == 3 else y

    images = shaping.expand_dims(images, 0) if rank == 3 else images
    return (shaping.moveaxis(images, 1, -1) if data_format == "channels_first" else images), back
