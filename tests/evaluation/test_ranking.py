"""ROC and precision-recall curves agree with scikit-learn's, ties, weights and rare classes included."""

import numpy as np
import pytest

from nbkeras.errors import ArgumentError, DataError, ShapeError
from nbkeras.evaluation import (
    average_precision,
    plot_precision_recall_curve,
    plot_roc_curve,
    precision_recall_curve,
    roc_auc,
    roc_curve,
)
from nbkeras.evaluation.ranking import one_vs_rest


def draw(case):
    rng = np.random.default_rng(case)
    rows = int(rng.integers(2, 200))
    true = rng.integers(0, 2, rows)
    true[:2] = [0, 1]
    score = rng.normal(size=rows).astype("float32")
    if case % 2:
        score = score.round(1)  # many ties
    weight = rng.uniform(0.1, 3, rows) if case % 3 == 0 else None
    return true, score, weight


@pytest.mark.parametrize("case", range(12))
def test_same_as_sklearn(case):
    metrics = pytest.importorskip("sklearn.metrics")
    true, score, weight = draw(case)
    for ours, theirs in [
        (roc_curve, lambda *a, **k: metrics.roc_curve(*a, drop_intermediate=False, **k)),
        (precision_recall_curve, metrics.precision_recall_curve),
    ]:
        expected = theirs(true, score, sample_weight=weight)
        for mine, one in zip(ours(true, score, weight), expected, strict=True):
            np.testing.assert_allclose(mine, one, rtol=1e-12, atol=1e-15)
    for ours, theirs in [(roc_auc, metrics.roc_auc_score), (average_precision, metrics.average_precision_score)]:
        assert ours(true[:, None], score, weight) == pytest.approx(theirs(true, score, sample_weight=weight), rel=1e-12)


def test_all_scores_equal():
    assert roc_auc([0, 1, 1], [0.5, 0.5, 0.5]) == 0.5
    assert average_precision([0, 1], [0.5, 0.5]) == 0.5


@pytest.mark.parametrize(
    ("function", "true", "score", "error", "text"),
    [
        (roc_auc, [0, 0], [1, 2], DataError, "expected positives and negatives, got 0 and 2"),
        (average_precision, [0, 0], [1, 2], DataError, "at least one positive"),
        (roc_curve, [0, 2], [1, 2], DataError, "0 and 1 only, got 2"),
        (roc_curve, [0, 1], [1, np.nan], DataError, "finite"),
        (roc_curve, [0, 1], [1, 2, 3], ShapeError, "got 3 and 2"),
        (roc_curve, [0, 1], [[1, 2], [3, 4]], ShapeError, r"y_score to have shape \(N,\), got \(2, 2\)"),
        (roc_curve, [], [], DataError, "at least one row"),
    ],
)
def test_bad_scores(function, true, score, error, text):
    with pytest.raises(error, match=text):
        function(true, score)


@pytest.mark.parametrize(
    ("true", "score", "error", "text"),
    [
        ([0, 3], np.eye(3)[:2], DataError, "classes from 0 to 2, .* got 0 to 3"),
        ([0, 1, 2], np.eye(3)[:2], ShapeError, r"for 3 labels, got shape \(2, 3\)"),
        (np.eye(4)[:2], np.eye(3)[:2], ShapeError, r"labels of shape \(2, 4\)"),
    ],
)
def test_labels_that_do_not_fit(true, score, error, text):
    with pytest.raises(error, match=text):
        one_vs_rest(true, score, "plot_roc_curve")


def test_two_columns_are_one_curve():
    score = np.array([[0.9, 0.1], [0.2, 0.8]])
    for labels in ([0, 1], np.eye(2)):
        ((true, positive),) = one_vs_rest(labels, score, "plot_roc_curve")
        assert list(true) == [0, 1] and positive.tolist() == [0.1, 0.8]


@pytest.mark.parametrize("plot", [plot_roc_curve, plot_precision_recall_curve])
def test_pictures(plot, tmp_path):
    pytest.importorskip("matplotlib")
    metrics = pytest.importorskip("sklearn.metrics")
    area = metrics.roc_auc_score if plot is plot_roc_curve else metrics.average_precision_score
    true, score, _ = draw(3)
    binary = plot(true, score, path=tmp_path / "one.png").axes[0]
    assert f"{area(true, score):.4f}" in binary.get_legend().get_texts()[0].get_text()
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    rng = np.random.default_rng(0)
    classes, scores = rng.integers(0, 3, 60), rng.normal(size=(60, 3))
    several = plot(classes, scores, ["ant", "bee", "cow"]).axes[0]
    texts = [text.get_text() for text in several.get_legend().get_texts()]
    assert texts[1] == f"bee: {area(classes == 1, scores[:, 1]):.4f}"
    assert texts[3].startswith("mean")
    with pytest.raises(ArgumentError, match="expected 3 class_names, one a class, got 1"):
        plot(classes, scores, ["ant"])
