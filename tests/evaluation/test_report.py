"""Precision, recall and F1 agree with scikit-learn's."""

import numpy as np
import pytest

from nbkeras.errors import ArgumentError
from nbkeras.evaluation import classification_report, confusion_matrix
from nbkeras.evaluation.report import class_scores


def test_same_as_sklearn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(3)
    true, predicted = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    scores = class_scores(confusion_matrix(true, predicted))
    expected = metrics.precision_recall_fscore_support(true, predicted)
    for ours, theirs in zip(scores.values(), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-14)
    table = classification_report(true, predicted).split()
    assert table[-1] == f"{metrics.accuracy_score(true, predicted):.3f}"


def test_a_class_that_is_never_predicted_scores_zero():
    scores = class_scores(confusion_matrix([0, 1], [0, 0], num_classes=3))
    assert scores["precision"].tolist() == [0.5, 0.0, 0.0]
    assert scores["recall"].tolist() == [1.0, 0.0, 0.0]


def test_names_for_classes_that_do_not_occur():
    assert "bird" in classification_report([0, 1], [0, 1], ["cat", "dog", "bird"])


def test_too_few_names():
    with pytest.raises(ArgumentError, match="expected 3 class_names, one a class, got 2"):
        classification_report([0, 2], [0, 1], ["cat", "dog"])
