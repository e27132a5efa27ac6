"""The demo reaches its accuracy, leaves its pictures, and does without them where matplotlib is missing."""

import re

import pytest

from nbkeras.__main__ import main
from nbkeras.commands import demo
from nbkeras.extras import ExtraMissing


def accuracy(text):
    return float(re.search(r"Test accuracy: ([\d.]+)%", text).group(1))


@pytest.mark.slow
def test_reaches_its_accuracy_and_leaves_pictures(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    folder = tmp_path / "new" / "pictures"
    assert main(["demo", "--output", str(folder), "--verbose", "0"]) == 0
    text = capsys.readouterr().out
    assert accuracy(text) >= 97.5
    assert "true \\ predicted" in text
    for name in ("learning_curves.png", "confusion_matrix.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")


def test_one_seed_gives_one_result(tmp_path, capsys):
    texts = []
    for _ in range(2):
        assert main(["demo", "--epochs", "2", "--seed", "3", "--output", str(tmp_path), "--verbose", "0"]) == 0
        texts.append(re.sub(r"in [\d.]+ s", "", capsys.readouterr().out))
    assert texts[0] == texts[1]


def test_without_matplotlib_it_says_so_in_one_line(tmp_path, capsys, monkeypatch):
    def refuse(*args, **kwargs):
        raise ExtraMissing("no matplotlib")

    monkeypatch.setattr("nbkeras.evaluation.plot_learning_curves", refuse)
    assert main(["demo", "--epochs", "1", "--output", str(tmp_path), "--verbose", "0"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "matplotlib" in line]
    assert lines == ['No pictures: matplotlib is not installed. To get them: pip install "nbkeras[plot]"']
    assert not list(tmp_path.iterdir())


@pytest.mark.oracle
@pytest.mark.slow
def test_keras_reaches_the_same_accuracy():
    keras = pytest.importorskip("keras")
    model, _, (x_test, y_test) = demo.train(keras, epochs=40, seed=0, verbose=0)
    assert (model.predict(x_test, verbose=0).argmax(axis=-1) == y_test).mean() >= 0.975
