"""Pictures in folders as a data set of batches."""

from __future__ import annotations

import os

import numpy as np

from nbkeras import config
from nbkeras.errors import ArgumentError, DataError
from nbkeras.extras import need
from nbkeras.utils.dataset import Dataset
from nbkeras.utils.directory import check_split, index_directory, part_of
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
    _check(labels, label_mode, color_mode, image_size, interpolation, format, class_names, who)
    check_split(validation_split, subset, shuffle, seed, who)
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ArgumentError(f"{who}: give crop_to_aspect_ratio or pad_to_aspect_ratio, not both.")
    labels, label_mode = (None, None) if labels is None or label_mode is None else (labels, label_mode)
    if seed is None:
        seed = int(np.random.randint(1e6))  # noqa: NPY002 - `set_random_seed` fixes it
    paths, numbers, names = index_directory(
        directory, labels, FORMATS, class_names, shuffle, seed, follow_links, verbose
    )
    if label_mode == "binary" and len(names) != 2:
        raise ArgumentError(f"{who}: label_mode='binary' needs two classes, got {names}.")
    first = (data_format or config.image_data_format()) == "channels_first"

    look = (color_mode, tuple(image_size), interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio, first)

    def make(part):
        chosen, own = (part_of(items, validation_split, part) for items in (paths, numbers))
        if not chosen:
            raise DataError(
                f"{who}: found no {part or ''} pictures in {os.fspath(directory)!r} ({', '.join(FORMATS)})."
            )
        if verbose and part:
            print(f"Using {len(chosen)} files for {part}.")
        targets = None if label_mode is None else _targets(own, label_mode, len(names))
        rows = Dataset.from_tensor_slices(np.arange(len(chosen)))
        if shuffle and part != "validation":
            rows = rows.shuffle((batch_size or 128) * 8, seed)

        def example(row):
            image = _load(chosen[int(row)], *look)
            return image if targets is None else (image, targets[int(row)])

        images = rows.map(example, num_parallel_calls=len(os.sched_getaffinity(0)))
        images = (images.batch(batch_size) if batch_size is not None else images).prefetch(2)
        images.class_names, images.file_paths = names, list(chosen)
        return images

    return [make("training"), make("validation")] if subset == "both" else make(subset)


def _check(labels, label_mode, color_mode, image_size, interpolation, format, class_names, who: str) -> None:
    if not (labels is None or isinstance(labels, (list, tuple)) or (isinstance(labels, str) and labels == "inferred")):
        raise ArgumentError(f"{who}: expected labels 'inferred', None, or a list of numbers, got {labels!r}.")
    if label_mode not in ("int", "categorical", "binary", None):
        raise ArgumentError(f"{who}: expected label_mode 'int', 'categorical', 'binary' or None, got {label_mode!r}.")
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


def _targets(numbers: np.ndarray, label_mode: str, classes: int) -> np.ndarray:
    if label_mode == "binary":
        return numbers.astype("float32")[:, None]
    if label_mode == "categorical":
        return np.eye(classes, dtype="float32")[numbers]
    return numbers.astype("int32")
