"""Scores by the number of training rows."""

import numpy as np
import pytest

import nbkeras as keras
from nbkeras.errors import ArgumentError
from nbkeras.evaluation import LearningCurve, learning_curve, plot_learning_curve_by_size
from nbkeras.evaluation.learning import _sizes

pytest.importorskip("sklearn")
X = np.random.default_rng(1).normal(size=(30, 2)).astype("float32")
Y = X @ [[1.0], [-2.0]]


def build():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
    return model


def test_more_rows_bring_train_and_test_together(tmp_path):
    pytest.importorskip("matplotlib")
    curve = learning_curve(build, X, Y, train_sizes=[0.25, 1.0], cv=3, epochs=20, batch_size=4)
    assert curve.sizes.tolist() == [5, 20]
    assert curve.test_scores["mae"].shape == (2, 3)
    assert curve.test_scores["loss"][1].mean() < curve.test_scores["loss"][0].mean()
    assert str(curve).splitlines()[3].startswith("5 ")
    figure = plot_learning_curve_by_size(curve, path=tmp_path / "size.png")
    assert figure.axes[0].get_title(loc="left") == "mae"
    drawn = figure.axes[0].lines[1]
    np.testing.assert_allclose(drawn.get_ydata(), curve.test_scores["mae"].mean(axis=1))
    assert (tmp_path / "size.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("given", [[0.1, 0.325, 0.55, 0.775, 1.0], [1, 5, 20], [0.5]])
def test_sizes_are_those_of_sklearn(given):
    from sklearn.model_selection._validation import _translate_train_sizes

    np.testing.assert_array_equal(_sizes(given, 37, "f"), _translate_train_sizes(given, 37))


@pytest.mark.parametrize("given", [[], [0.0], [1.5], [0, 3], [38], [0.001]])
def test_sizes_out_of_range(given):
    with pytest.raises(ArgumentError, match=r"shares in \(0, 1\], or from 1 to 37 rows"):
        _sizes(given, 37, "f")


def test_unknown_score():
    scores = {"loss": np.ones((1, 2))}
    with pytest.raises(ArgumentError, match="no score 'los'; did you mean 'loss'"):
        plot_learning_curve_by_size(LearningCurve(np.array([3]), scores, scores), "los")
