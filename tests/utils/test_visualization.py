"""Graphs of models have the boxes and links that Keras's have."""

import re
import sys

import numpy as np
import pytest

import nbkeras
from nbkeras.errors import StateError
from nbkeras.extras import ExtraMissing


def branches(keras):
    x = keras.Input((4,), name="x")
    inner_x = keras.Input((3,), name="inner_x")
    inner = keras.Model(inner_x, keras.layers.Dense(2, name="inner_dense")(inner_x), name="inner")
    a = keras.layers.Dense(3, activation="relu", name="a")(x)
    b = keras.layers.Dense(3, name="b")(x)
    joined = keras.layers.Add(name="joined")([a, b])
    return keras.Model(x, inner(joined), name="outer")


def chain(keras):
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="a"), keras.layers.Dense(1, name="b")])


def drawn(library, build, **options):
    """Labels of the boxes, and links as pairs of labels, in all frames."""
    pytest.importorskip("pydot")
    dot = library.utils.model_to_dot(build(library), **options)
    frames = [dot, *dot.get_subgraphs()]
    # How many columns a cell spans is a matter of layout.
    labels = {
        node.get_name().strip('"'): re.sub(r' ?colspan="\d"', "", node.get_label() or "")
        for frame in frames
        for node in frame.get_nodes()
    }
    edges = [edge for frame in frames for edge in frame.get_edges()]
    links = sorted((labels[e.get_source().strip('"')], labels[e.get_destination().strip('"')]) for e in edges)
    return sorted(label for name, label in labels.items() if name != "node"), links


@pytest.mark.oracle
@pytest.mark.parametrize("build", [branches, chain])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"show_shapes": True, "show_dtype": True, "show_trainable": True, "show_layer_activations": True},
        {"expand_nested": True, "rankdir": "LR"},
        {"show_layer_names": False},
    ],
)
def test_as_keras(build, options):
    keras = pytest.importorskip("keras")
    boxes, links = drawn(nbkeras, build, **options)
    their_boxes, their_links = drawn(keras, build, **options)
    assert boxes == their_boxes
    assert links == their_links


def test_a_subclass_is_one_box():
    class Own(nbkeras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.dense = nbkeras.layers.Dense(1)

        def call(self, x):
            return self.dense(x)

    def build(keras):
        model = Own()
        model(np.ones((1, 2)))
        return model

    boxes, links = drawn(nbkeras, build)
    assert len(boxes) == 1 and "<b>own</b> (Own)" in boxes[0] and not links


def test_what_cannot_be_drawn(monkeypatch):
    with pytest.raises(StateError, match="model 'late' is not built"):
        nbkeras.utils.plot_model(nbkeras.Sequential([nbkeras.layers.Dense(1)], name="late"))
    with pytest.raises(TypeError, match="unknown argument 'layer_range'"):
        nbkeras.utils.model_to_dot(chain(nbkeras), layer_range=[1, 2])
    monkeypatch.setitem(sys.modules, "pydot", None)
    with pytest.raises(ExtraMissing, match=r'plot_model: expected the package pydot(.|\n)*"nbkeras\[graphviz\]"'):
        nbkeras.utils.plot_model(chain(nbkeras))


def test_pictures_need_graphviz_and_say_so(monkeypatch, tmp_path):
    import shutil

    pytest.importorskip("pydot")
    if shutil.which("dot"):
        nbkeras.utils.plot_model(branches(nbkeras), tmp_path / "model", show_shapes=True)
        assert (tmp_path / "model.png").read_bytes().startswith(b"\x89PNG")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExtraMissing, match="Graphviz's program `dot`"):
        nbkeras.utils.plot_model(chain(nbkeras))
