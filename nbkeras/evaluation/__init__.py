"""Reading a trained model's results: confusion matrices, a report per class, learning curves."""

from nbkeras.evaluation.confusion import confusion_matrix, format_confusion_matrix, plot_confusion_matrix
from nbkeras.evaluation.curves import plot_learning_curves
from nbkeras.evaluation.report import classification_report

__all__ = [
    "classification_report",
    "confusion_matrix",
    "format_confusion_matrix",
    "plot_confusion_matrix",
    "plot_learning_curves",
]
