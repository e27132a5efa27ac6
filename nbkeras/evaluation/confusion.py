"""Which class is taken for which: the confusion matrix as an array, as text and as a picture."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nbkeras.errors import ArgumentError, DataError, ShapeError
from nbkeras.evaluation._figure import INK, new_figure, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: With more classes than this, numbers in the cells of a picture would be too small to read.
MOST_CLASSES_WITH_NUMBERS = 30


def confusion_matrix(y_true, y_pred, num_classes: int | None = None, normalize: str | None = None) -> np.ndarray:
    """Count how often each true class is predicted as each class.

    Args:
        y_true: the true classes, integers from 0.
        y_pred: the predicted classes; for a model's output take `model.predict(x).argmax(axis=-1)`.
        num_classes: the number of classes C; the largest class + 1 unless given.
        normalize: None counts; 'true' gives shares of each true class, 'pred' of each predicted class, 'all' of all.
            A class without samples gives 0.

    Shapes:
        y_true and y_pred (N,); result (C, C), true classes down, predicted classes across.

    Raises:
        DataError, ShapeError, ArgumentError: the labels are empty, not integers, of unlike lengths or out of range.

    Example:
        >>> confusion_matrix([0, 1, 2, 2], [0, 1, 2, 1])
        array([[1, 0, 0],
               [0, 1, 0],
               [0, 1, 1]])

    Source:
        The definition and `normalize` follow scikit-learn's function of the same name.
    """
    true, predicted = labels(y_true, "y_true"), labels(y_pred, "y_pred")
    if true.size != predicted.size:
        raise ShapeError(
            f"confusion_matrix: expected as many predictions as true labels, got {true.size} in y_true and "
            f"{predicted.size} in y_pred.",
            next="give both for the same samples, in the same order.",
        )
    largest = int(max(true.max(), predicted.max()))
    classes = largest + 1 if num_classes is None else num_classes
    if largest >= classes:
        raise ArgumentError(
            f"confusion_matrix: expected classes below num_classes={classes}, got class {largest}.",
            next=f"set num_classes to {largest + 1} or more, or leave it out.",
        )
    counts = np.bincount(true * classes + predicted, minlength=classes * classes).reshape(classes, classes)
    return counts if normalize is None else _shares(counts, normalize)


def format_confusion_matrix(cm, class_names: Sequence[str] | None = None) -> str:
    """Lay a confusion matrix out as text for a terminal, with a dot for 0.

    Args:
        cm: what `confusion_matrix` returned.
        class_names: a name for each class; its number unless given.

    Shapes:
        cm (C, C).

    Example:
        >>> print(format_confusion_matrix([[9, 1], [0, 10]], ["cat", "dog"]))
        true \\ predicted  cat  dog
                     cat    9    1
                     dog    .   10
    """
    matrix, names = _checked(cm, class_names, "format_confusion_matrix")
    corner = "true \\ predicted"
    left = max(len(corner), *map(len, names))
    cells = [[_number(value) if value else "." for value in row] for row in matrix]
    width = max(len(text) for row in [names, *cells] for text in row)
    lines = [corner.rjust(left) + "".join(f"  {name:>{width}}" for name in names)]
    for name, row in zip(names, cells, strict=True):
        lines.append(name.rjust(left) + "".join(f"  {cell:>{width}}" for cell in row))
    return "\n".join(lines)


def plot_confusion_matrix(
    cm, class_names: Sequence[str] | None = None, path: str | os.PathLike | None = None
) -> Figure:
    """Draw a confusion matrix; the colour of a cell is its share of the true class.

    Args:
        cm: what `confusion_matrix` returned.
        class_names: a name for each class; its number unless given.
        path: where to write the picture (.png, .pdf, .svg); None only returns it.

    Shapes:
        cm (C, C).

    Returns:
        The matplotlib figure, tied to no window.

    Raises:
        ExtraMissing: matplotlib is not installed.

    Example:
        >>> figure = plot_confusion_matrix([[9, 1], [0, 10]], ["cat", "dog"])
    """
    matrix, names = _checked(cm, class_names, "plot_confusion_matrix")
    classes = len(names)
    size = min(max(2.5 + 0.45 * classes, 4.0), 12.0)
    figure = new_figure(size, size * 0.9)
    # Imported after new_figure, which turns a missing matplotlib into one clear error.
    from matplotlib.colors import PowerNorm

    axes = figure.add_subplot()
    # The square root makes a single mistake visible beside a full diagonal.
    image = axes.imshow(_shares(matrix, "true"), cmap="Blues", norm=PowerNorm(0.5, vmin=0.0, vmax=1.0))
    if classes <= MOST_CLASSES_WITH_NUMBERS:
        _write_cells(axes, matrix)
        axes.set_xticks(range(classes), names, rotation=90 if max(map(len, names)) > 4 else 0)
        axes.set_yticks(range(classes), names)
    axes.set_xticks(np.arange(0.5, classes - 1), minor=True)
    axes.set_yticks(np.arange(0.5, classes - 1), minor=True)
    axes.grid(which="minor", color="white", linewidth=1.0)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.set_title(_title(matrix), color=INK, fontsize=12)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, ticks=[0.0, 0.01, 0.1, 0.25, 0.5, 1.0])
    bar.set_label("share of the true class")
    bar.outline.set_visible(False)
    save(figure, path)
    return figure


def labels(values, who: str) -> np.ndarray:
    """Check that `values` are class indices and return them as int64 of shape (N,)."""
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ShapeError(
            f"confusion_matrix: expected {who} to be class indices of shape (N,), got shape {array.shape}.",
            next=f"for probabilities or one-hot rows pass {who}.argmax(axis=-1).",
        )
    if array.size == 0:
        raise DataError(f"confusion_matrix: expected at least one label, got an empty {who}.")
    whole = array.dtype.kind in "iub" or (array.dtype.kind == "f" and np.all(np.mod(array, 1) == 0))
    if not whole or array.min() < 0:
        raise DataError(
            f"confusion_matrix: expected {who} to hold integers from 0, got {array.dtype} values such as "
            f"{_first_bad(array)!r}.",
            next="number the classes 0, 1, 2, ...; for probabilities of one class compare with 0.5 first.",
        )
    return array.astype(np.int64)


def _first_bad(array: np.ndarray):
    if array.dtype.kind not in "iuf":
        return array.tolist()[0]
    with np.errstate(invalid="ignore"):
        return array[~((np.mod(array, 1) == 0) & (array >= 0))][0].item()


def _shares(matrix: np.ndarray, normalize: str) -> np.ndarray:
    axes = {"true": 1, "pred": 0, "all": (0, 1)}
    if normalize not in axes:
        raise ArgumentError(
            f"confusion_matrix: expected normalize to be None, 'true', 'pred' or 'all', got {normalize!r}."
        )
    total = matrix.sum(axis=axes[normalize], keepdims=True)
    return matrix / np.where(total == 0, 1, total)


def _checked(cm, class_names: Sequence[str] | None, who: str) -> tuple[np.ndarray, list[str]]:
    matrix = np.asarray(cm)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
        raise ShapeError(
            f"{who}: expected a square matrix, got shape {matrix.shape}.",
            next="pass what confusion_matrix(y_true, y_pred) returned.",
        )
    names = [str(name) for name in (range(len(matrix)) if class_names is None else class_names)]
    if len(names) != len(matrix):
        raise ArgumentError(f"{who}: expected {len(matrix)} class_names, one a class, got {len(names)}.")
    return matrix, names


def _number(value) -> str:
    return str(value) if np.issubdtype(type(value), np.integer) else f"{value:.2f}"


def _write_cells(axes, matrix: np.ndarray) -> None:
    shares = _shares(matrix, "true")
    for (row, column), value in np.ndenumerate(matrix):
        if value:
            colour = "white" if shares[row, column] > 0.3 else INK
            axes.text(column, row, _number(value), ha="center", va="center", color=colour, fontsize=9)


def _title(matrix: np.ndarray) -> str:
    right, total = np.trace(matrix), matrix.sum()
    if np.issubdtype(matrix.dtype, np.integer) and total:
        return f"{right} of {total} right ({right / total:.1%})"
    return "Confusion matrix"
