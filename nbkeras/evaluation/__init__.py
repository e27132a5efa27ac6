"""Judging models: confusion matrices, reports, curves, and cross-validation."""

from nbkeras.evaluation.confusion import confusion_matrix, format_confusion_matrix, plot_confusion_matrix
from nbkeras.evaluation.cross_validation import CrossValidation, cross_validate
from nbkeras.evaluation.curves import plot_learning_curves
from nbkeras.evaluation.learning import LearningCurve, learning_curve, plot_learning_curve_by_size
from nbkeras.evaluation.nested import NestedCrossValidation, nested_cross_validate
from nbkeras.evaluation.ranking import average_precision, precision_recall_curve, roc_auc, roc_curve
from nbkeras.evaluation.ranking_figures import plot_precision_recall_curve, plot_roc_curve
from nbkeras.evaluation.report import classification_report

__all__ = [
    "CrossValidation",
    "LearningCurve",
    "NestedCrossValidation",
    "average_precision",
    "classification_report",
    "confusion_matrix",
    "cross_validate",
    "format_confusion_matrix",
    "learning_curve",
    "nested_cross_validate",
    "plot_confusion_matrix",
    "plot_learning_curve_by_size",
    "plot_learning_curves",
    "plot_precision_recall_curve",
    "plot_roc_curve",
    "precision_recall_curve",
    "roc_auc",
    "roc_curve",
]
