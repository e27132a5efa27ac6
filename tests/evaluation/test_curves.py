"""Learning curves show every list of a history at its epochs, and refuse what is no history."""

import sys
import types

import numpy as np
import pytest

from nbkeras.errors import ArgumentTypeError, DataError
from nbkeras.evaluation import plot_learning_curves
from nbkeras.extras import ExtraMissing


@pytest.fixture
def matplotlib():
    return pytest.importorskip("matplotlib")


def points(axes):
    return [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in axes.lines]


@pytest.mark.usefixtures("matplotlib")
def test_one_panel_for_each_metric_loss_first(tmp_path):
    path = tmp_path / "curves.png"
    logs = {"accuracy": [0.5, 0.9], "loss": [1.0, 0.5], "val_accuracy": [0.4, 0.8], "val_loss": [1.1, 0.7]}
    figure = plot_learning_curves(logs, path=path)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["loss", "accuracy"]
    assert points(figure.axes[0]) == [([1, 2], [1.0, 0.5]), ([1, 2], [1.1, 0.7])]
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("matplotlib")
def test_a_history_knows_its_first_epoch():
    history = types.SimpleNamespace(history={"loss": [3.0, 2.0]}, epoch=[4, 5])
    assert points(plot_learning_curves(history).axes[0]) == [([5, 6], [3.0, 2.0])]


@pytest.mark.usefixtures("matplotlib")
def test_validation_every_other_epoch():
    figure = plot_learning_curves({"loss": [5.0, 4.0, 3.0, 2.0], "val_loss": [4.0, 2.0]})
    assert points(figure.axes[0])[1] == ([2, 4], [4.0, 2.0])


@pytest.mark.usefixtures("matplotlib")
def test_one_epoch_nan_vectors_and_validation_alone():
    logs = {"loss": [float("nan")], "f1_score": [np.array([0.1, 0.2])], "val_only": [1.0]}
    figure = plot_learning_curves(logs)
    assert [len(axes.lines) for axes in figure.axes] == [1, 2, 1]
    assert figure.axes[0].lines[0].get_marker() == "o"


@pytest.mark.usefixtures("matplotlib")
def test_epochs_are_whole_numbers():
    figure = plot_learning_curves({"loss": [2.0, 1.0, 0.5]})
    assert all(float(tick).is_integer() for tick in figure.axes[0].get_xticks())


@pytest.mark.parametrize(
    ("history", "error", "text"),
    [
        ([1.0, 2.0], ArgumentTypeError, "expected a History or a dictionary of lists, got list"),
        ({}, DataError, "got an empty history"),
        ({"loss": []}, DataError, "got an empty history"),
        ({"loss": ["low"]}, DataError, "expected 'loss' to be a list of numbers"),
        ({"loss": 1.0}, DataError, "expected 'loss' to be a list of numbers"),
    ],
)
def test_not_a_history(history, error, text):
    with pytest.raises(error, match=text):
        plot_learning_curves(history)


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(ExtraMissing, match=r'expected the package matplotlib.*\n.*pip install "nbkeras\[plot\]"'):
        plot_learning_curves({"loss": [1.0]})
