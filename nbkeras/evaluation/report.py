"""Precision, recall and F1 of each class, as numbers and as a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nbkeras.errors import ArgumentError
from nbkeras.evaluation.confusion import confusion_matrix


def class_scores(cm: np.ndarray) -> dict[str, np.ndarray]:
    """Compute precision, recall, F1 and the number of samples of each class from counts.

    Args:
        cm: counts, as `confusion_matrix` returns them.

    Shapes:
        cm (C, C); each result (C,). A score that would divide by 0 is 0.

    Example:
        >>> class_scores(np.array([[1, 0], [1, 2]]))["precision"]
        array([0.5, 1. ])
    """
    right, predicted, support = np.diag(cm), cm.sum(axis=0), cm.sum(axis=1)
    return {
        "precision": right / np.maximum(predicted, 1),
        "recall": right / np.maximum(support, 1),
        "f1": 2 * right / np.maximum(predicted + support, 1),
        "samples": support,
    }


def classification_report(y_true, y_pred, class_names: Sequence[str] | None = None) -> str:
    """Lay out precision, recall and F1 of each class, their plain mean, and the accuracy.

    Args:
        y_true: the true classes, integers from 0.
        y_pred: the predicted classes.
        class_names: a name for each class; its number unless given.

    Shapes:
        y_true and y_pred (N,).

    Raises:
        The errors of `confusion_matrix`; ArgumentError when there are fewer names than classes.

    Example:
        >>> print(classification_report([0, 1, 1, 1], [0, 0, 1, 1], ["cat", "dog"]))
                  precision     recall         f1    samples
             cat      0.500      1.000      0.667          1
             dog      1.000      0.667      0.800          3
            mean      0.750      0.833      0.733          4
        accuracy      0.750

    Source:
        Definitions as in scikit-learn's `classification_report`; "mean" is its macro average.
    """
    cm = confusion_matrix(y_true, y_pred)
    if class_names is not None and len(class_names) != len(cm):
        if len(class_names) < len(cm):
            raise ArgumentError(
                f"classification_report: expected {len(cm)} class_names, one a class, got {len(class_names)}."
            )
        cm = confusion_matrix(y_true, y_pred, num_classes=len(class_names))
    names = [str(name) for name in (range(len(cm)) if class_names is None else class_names)]
    scores = class_scores(cm)
    left = max(len("accuracy"), *map(len, names))
    lines = [" " * left + "".join(f"{title:>11}" for title in scores)]
    for index, name in enumerate(names):
        lines.append(_line(name.rjust(left), *(values[index] for values in scores.values())))
    means = [scores[score].mean() for score in ("precision", "recall", "f1")]
    lines.append(_line("mean".rjust(left), *means, cm.sum()))
    lines.append("accuracy".rjust(left) + f"{np.trace(cm) / cm.sum():11.3f}")
    return "\n".join(lines)


def _line(name: str, precision: float, recall: float, f1: float, samples: int) -> str:
    return f"{name}{precision:11.3f}{recall:11.3f}{f1:11.3f}{samples:11d}"
