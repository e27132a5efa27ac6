"""Confusion matrices agree with scikit-learn's, print well, and refuse what is no label."""

import numpy as np
import pytest

from nbkeras.errors import ArgumentError, DataError, ShapeError
from nbkeras.evaluation import confusion_matrix, format_confusion_matrix, plot_confusion_matrix


@pytest.fixture
def drawn_labels():
    rng = np.random.default_rng(7)
    return rng.integers(0, 5, 300), rng.integers(0, 5, 300)


@pytest.mark.parametrize("normalize", [None, "true", "pred", "all"])
def test_same_as_sklearn(drawn_labels, normalize):
    theirs = pytest.importorskip("sklearn.metrics").confusion_matrix
    ours = confusion_matrix(*drawn_labels, normalize=normalize)
    expected = theirs(*drawn_labels, normalize=normalize)
    assert ours.dtype == expected.dtype
    np.testing.assert_allclose(ours, expected, rtol=1e-15)


def test_a_class_that_never_occurs_has_share_zero():
    cm = confusion_matrix([0, 2], [0, 2], num_classes=4, normalize="true")
    np.testing.assert_array_equal(cm, np.diag([1.0, 0.0, 1.0, 0.0]))


def test_column_vectors_and_whole_floats_are_labels():
    np.testing.assert_array_equal(confusion_matrix([[0], [1]], [0.0, 1.0]), np.eye(2))


@pytest.mark.parametrize(
    ("true", "predicted", "options", "error", "text"),
    [
        ([0, 1], [0], {}, ShapeError, "got 2 in y_true and 1 in y_pred"),
        ([], [], {}, DataError, "got an empty y_true"),
        ([0, 1], [[0.9, 0.1], [0.2, 0.8]], {}, ShapeError, r"y_pred.argmax\(axis=-1\)"),
        ([0, 1], [0.1, 0.7], {}, DataError, "got float64 values such as 0.1"),
        ([0, -1], [0, 1], {}, DataError, "values such as -1"),
        ([0.0, np.nan], [0, 1], {}, DataError, "values such as nan"),
        (["cat"], ["dog"], {}, DataError, "values such as 'cat'"),
        ([0, 3], [0, 1], {"num_classes": 3}, ArgumentError, "below num_classes=3, got class 3"),
        ([0, 1], [0, 1], {"normalize": "rows"}, ArgumentError, "got 'rows'"),
    ],
)
def test_bad_labels(true, predicted, options, error, text):
    with pytest.raises(error, match=text):
        confusion_matrix(true, predicted, **options)


def test_text_lines_up():
    lines = format_confusion_matrix(np.array([[100, 2], [0, 7]])).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1].split() == ["0", "100", "2"]
    assert lines[2].split() == ["1", ".", "7"]


def test_text_of_shares():
    assert "0.25" in format_confusion_matrix([[0.75, 0.25], [0.0, 1.0]])


@pytest.mark.parametrize("show", [format_confusion_matrix, plot_confusion_matrix])
def test_not_a_confusion_matrix(show):
    with pytest.raises(ShapeError, match=r"expected a square matrix, got shape \(2, 3\)"):
        show(np.zeros((2, 3), dtype=int))
    with pytest.raises(ArgumentError, match="expected 2 class_names, one a class, got 1"):
        show(np.eye(2, dtype=int), ["only"])


def test_picture(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "cm.png"
    figure = plot_confusion_matrix([[9, 1], [0, 10]], ["cat", "dog"], path=path)
    assert path.read_bytes().startswith(b"\x89PNG")
    axes = figure.axes[0]
    assert axes.get_title() == "19 of 20 right (95.0%)"
    assert sorted(text.get_text() for text in axes.texts) == ["1", "10", "9"]


def test_picture_of_many_classes_leaves_the_numbers_out():
    pytest.importorskip("matplotlib")
    assert not plot_confusion_matrix(np.eye(40, dtype=int)).axes[0].texts
