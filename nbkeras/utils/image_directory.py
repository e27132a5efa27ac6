"""Pictures in folders as a data set of batches."""

from __future__ import annotations

import numpy as np

from nbkeras import config
from nbkeras.errors import ArgumentError
from nbkeras.extras import need
from nbkeras.utils.directory_data import directory_dataset
from nbkeras.utils.resizing import KERNELS, fit

#: Which files are pictures.
FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
#: Color mode -> Pillow's mode.
MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}


def image_dataset_from_directory(
    directory,
    labels="inferred",
    label_mode="int",
    class_names=None,
    color_mode="rgb",
    batch_size=32,
    image_size=(256, 256),
    shuffle=True,
    seed=None,
    validation_split=None,
    subset=None,
    interpolation="bilinear",
    follow_links=False,
    crop_to_aspect_ratio=False,
    pad_to_aspect_ratio=False,
    data_format=None,
    format="tf",
    verbose=True,
):
    """Pictures in folders, one folder a class, as a `Dataset` of batches (images, labels).

    Args:
        directory: the folder; with `labels="inferred"`, each folder in it is a class.
        labels: `"inferred"`, None, or a number for each picture, in the order of their sorted paths.
        label_mode: `"int"`; `"categorical"` for one-hot rows; `"binary"` for 0.0 and 1.0; None for images alone.
        class_names: which folders, in which order; all, sorted, by default.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
        batch_size: images a batch; None for single images.
        image_size: (height, width) to which all are brought.
        shuffle: whether the files are shuffled, and the order of each pass within some batches.
        seed: fixes the order.
        validation_split: this part of the files is for validation.
        subset: `"training"`, `"validation"`, or `"both"` for two data sets.
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"lanczos3"` or `"lanczos5"`.
        follow_links: whether links to folders are followed.
        crop_to_aspect_ratio: whether pictures are cut, and not distorted, to the size's aspect ratio.
        pad_to_aspect_ratio: whether they are framed in black for that.
        data_format: `"channels_last"` or `"channels_first"`; `config.image_data_format()` by default.
        format: accepted; the result is nbkeras's own `Dataset`.
        verbose: whether the number of files is printed.

    Shapes:
        images (N, H, W, C) or (N, C, H, W), float32, 0 to 255; labels (N,) int32, (N, classes) or (N, 1) float32.

    Returns:
        A `Dataset` with `class_names` and `file_paths`; a list of two with `subset="both"`.

    Raises:
        ArgumentError, DataError: arguments out of range, folders or labels that do not fit; ExtraMissing: Pillow is
            not installed.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> from nbkeras.utils import save_img
        >>> folder = tempfile.mkdtemp()
        >>> for name in ("cat", "dog"):
        ...     os.mkdir(f"{folder}/{name}")
        ...     save_img(f"{folder}/{name}/0.png", np.zeros((4, 6, 3)))
        >>> data = image_dataset_from_directory(folder, image_size=(8, 8), verbose=False)
        >>> images, labels = next(iter(data))
        >>> images.shape, labels.shape, data.class_names
        ((2, 8, 8, 3), (2,), ['cat', 'dog'])

    Source: arguments and results are those of `keras.utils.image_dataset_from_directory`.
    """
    who = "image_dataset_from_directory"
    need("PIL.Image", who)
    image_size = (image_size, image_size) if isinstance(image_size, int) else image_size
    _check(color_mode, image_size, interpolation, format, who)
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ArgumentError(f"{who}: give crop_to_aspect_ratio or pad_to_aspect_ratio, not both.")
    look = (
        color_mode,
        tuple(image_size),
        interpolation,
        crop_to_aspect_ratio,
        pad_to_aspect_ratio,
        (data_format or config.image_data_format()) == "channels_first",
    )
    return directory_dataset(
        who, "pictures", lambda path: _load(path, *look), FORMATS, directory, labels, label_mode, class_names,
        batch_size, shuffle, seed, validation_split, subset, follow_links, verbose,
    )  # fmt: skip


def _check(color_mode, image_size, interpolation, format, who: str) -> None:
    if color_mode not in MODES:
        raise ArgumentError(f"{who}: expected color_mode 'rgb', 'rgba' or 'grayscale', got {color_mode!r}.")
    if not isinstance(image_size, (list, tuple)) or len(image_size) != 2:
        raise ArgumentError(f"{who}: expected image_size to be (height, width), got {image_size!r}.")
    if interpolation not in ("nearest", *KERNELS):
        raise ArgumentError(f"{who}: expected interpolation 'nearest' or one of {[*KERNELS]}, got {interpolation!r}.")
    if format not in ("tf", "grain"):
        raise ArgumentError(f"{who}: expected format 'tf' or 'grain', got {format!r}.")


def _load(path, color_mode, image_size, interpolation, crop, pad, first) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as picture:
        deep = color_mode == "grayscale" and picture.mode in ("I;16", "I")
        array = np.asarray(picture if deep else picture.convert(MODES[color_mode]), dtype="float32")
    array = fit(array.reshape(*array.shape[:2], -1), image_size, interpolation, crop, pad)
    return array.transpose(2, 0, 1) if first else array
