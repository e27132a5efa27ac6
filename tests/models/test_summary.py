"""What `summary()` prints."""

import numpy as np
import pytest

import nbkeras
from nbkeras import layers
from nbkeras.errors import ArgumentError


def text(model, **settings):
    lines = []
    model.summary(print_fn=lines.append, line_length=90, **settings)
    return "\n".join(lines)


def rows(model, **settings):
    """The table's cells, a list a row."""
    lines = [line for line in text(model, **settings).splitlines() if line.startswith(("┃", "│"))]
    return [[cell.strip() for cell in line.replace("┃", "│").strip("│").split("│")] for line in lines]


def test_sequential():
    model = nbkeras.Sequential([nbkeras.Input((4,)), layers.Dense(3, name="a"), layers.Dense(2, name="b")], name="net")
    assert rows(model) == [
        ["Layer (type)", "Output Shape", "Param #"],
        ["a (Dense)", "(None, 3)", "15"],
        ["b (Dense)", "(None, 2)", "8"],
    ]
    assert text(model).startswith('Model: "net"\n')
    assert "Total params: 23 (92.00 B)\n Trainable params: 23 (92.00 B)\n Non-trainable params: 0" in text(model)
    model.layers[0].trainable = False
    assert "Non-trainable params: 15 (60.00 B)" in text(model)
    assert [row[-1] for row in rows(model, show_trainable=True)] == ["Trains", "N", "Y"]
    assert len(rows(model, layer_range=["b", "b"])) == 2
    with pytest.raises(ArgumentError, match="has no layer 'c'"):
        model.summary(layer_range=["a", "c"])


def test_optimizer():
    model = nbkeras.Sequential([nbkeras.Input((4,)), layers.Dense(3)])
    model.compile(optimizer="adam", loss="mse")
    assert "Optimizer" not in text(model)
    model.fit(np.zeros((2, 4)), np.zeros((2, 3)), verbose=0)
    assert "Optimizer params: 32 (" in text(model)


def test_unbuilt():
    model = nbkeras.Sequential([layers.Dense(3, name="a")])
    assert rows(model)[1] == ["a (Dense)", "?", "0 (unbuilt)"]
    model.build((None, 2))
    assert rows(model)[1] == ["a (Dense)", "(None, 3)", "9"]


def test_connections():
    a, b = nbkeras.Input((4,), name="left"), nbkeras.Input((4,), name="right")
    shared = layers.Dense(3, name="shared")
    total = layers.Add(name="total")([shared(a), shared(b)])
    model = nbkeras.Model([a, b], layers.Dense(1, name="top")(total))
    assert rows(model) == [
        ["Layer (type)", "Output Shape", "Param #", "Connected to"],
        ["left (InputLayer)", "(None, 4)", "0", "-"],
        ["right (InputLayer)", "(None, 4)", "0", "-"],
        ["shared (Dense)", "(None, 3)", "15", "left, right"],
        ["total (Add)", "(None, 3)", "0", "shared[0][0],"],
        ["", "", "", "shared[1][0]"],
        ["top (Dense)", "(None, 1)", "4", "total"],
    ]


def test_operations_and_nested_models():
    nbkeras.naming.reset()
    inner = nbkeras.Sequential([nbkeras.Input((4,)), layers.Dense(3, name="deep")], name="inner")
    a = nbkeras.Input((4,), name="a")
    model = nbkeras.Model(a, nbkeras.ops.relu(inner(a)))
    assert [row[0] for row in rows(model)[1:]] == ["a (InputLayer)", "inner (Sequential)", "relu (Operation)"]
    nested = [row[0] for row in rows(model, expand_nested=True)[1:]]
    assert nested == ["a (InputLayer)", "inner (Sequential)", "deep (Dense)", "relu (Operation)"]
