"""`Model.export`: names, signatures, what is refused before anything is written, and the file itself."""

import os
import subprocess
import sys

import numpy as np
import pytest

import nbkeras as keras
from nbkeras import layers, ops
from nbkeras.errors import ArgumentError, ArgumentTypeError, FileError, StateError
from nbkeras.extras import ExtraMissing


def small(name="x"):
    return keras.Sequential([keras.Input((3,), name=name), layers.Dense(2, name="last")])


class Own(keras.Model):
    """A model of one's own with a layer of its own."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, x, training=False):
        rows = ops.shape(x)[0]
        x = ops.reshape(self.dense(x), (rows, 3)) * ops.cast(rows, "float32")
        return {"sum": ops.sum(x, axis=1), "norm": ops.norm(x, axis=1)}


def test_a_model_of_ones_own(check):
    model = Own()
    model(np.ones((2, 4), "float32"))
    made = check(model, lambda rows: np.full((rows, 4), 0.3, "float32"))
    assert [i.name for i in made.graph.input] == ["input_0"]
    assert [o.name for o in made.graph.output] == ["output_0", "output_1"]


def test_the_file_is_written_in_one_step(onnx, tmp_path, capsys):
    path = tmp_path / "m.onnx"
    small().export(path)
    assert capsys.readouterr().out == ""
    before = path.read_bytes()
    assert os.listdir(tmp_path) == ["m.onnx"]
    made = onnx.load(path)
    assert (made.ir_version, made.opset_import[0].version, made.producer_name) == (8, 18, "nbkeras")
    model = keras.Sequential([keras.Input((2,)), layers.Lambda(ops.erfinv, name="odd")])
    with pytest.raises(ArgumentError, match=r"nothing for: erfinv in '.*odd'"):
        model.export(path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["m.onnx"]
    with pytest.raises(FileError, match="make the folder first"):
        small().export(tmp_path / "nowhere" / "m.onnx")
    small().export(path, format="onnx", verbose=True, opset_version=18)
    assert capsys.readouterr().out == f"Saved artifact at {str(path)!r}.\n"


def test_all_that_is_missing_is_named_at_once(onnx):
    x = keras.Input((3, 3))
    y = layers.Lambda(ops.erfinv, name="first")(x)
    y = layers.Lambda(lambda x: ops.det(x), name="second")(y)
    model = keras.Model(x, y, name="odd")
    with pytest.raises(ArgumentError, match=r"(?s)'odd'.*erfinv in '.*first', determinant in '.*second'.*Next: export"):
        model.export("m.onnx")


def test_random_numbers_are_refused(onnx):
    noisy = keras.Sequential([keras.Input((2,)), layers.Lambda(lambda x: x + keras.random.normal((2,)))])
    with pytest.raises(ArgumentError, match=r"random_normal|changes variables"):
        noisy.export("m.onnx")


def test_other_free_axes_need_a_signature(check):
    x = keras.Input((None, 4), name="steps")
    model = keras.Model(x, layers.GlobalAveragePooling1D()(layers.Conv1D(3, 2)(x)))
    with pytest.raises(ArgumentError, match=r"(?s)'steps' has shape \(None, None, 4\); only the batch.*InputSpec"):
        model.export("m.onnx")

    def draw(rows):
        return np.random.default_rng(rows).normal(size=(rows, 7, 4)).astype("float32")

    made = check(model, draw, input_signature=[layers.InputSpec(shape=(None, 7, 4), dtype="float32", name="given")])
    assert made.graph.input[0].name == "given"
    check(model, draw, sizes=(3,), input_signature=np.zeros((3, 7, 4), "float32"))


def test_a_batch_that_matters_in_another_way(onnx, check):
    class Squared(layers.Layer):
        def call(self, x):
            return x * float(x.shape[0] ** 2 if x.shape[0] else 1)

    model = keras.Sequential([keras.Input((3,)), Squared(name="squared")])
    with pytest.raises(ArgumentError, match=r"(?s)constant in '.*squared' depends on the batch size.*input_signature"):
        model.export("m.onnx")
    signature = [layers.InputSpec(shape=(4, 3))]
    check(model, lambda rows: np.ones((rows, 3), "float32"), sizes=(4,), input_signature=signature)


def test_inputs_that_are_outputs_too(check):
    x = keras.Input((3,), name="x")
    model = keras.Model(x, [x, layers.Dense(2)(x), x])
    check(model, lambda rows: np.ones((rows, 3), "float32"))


def test_wrong_calls(onnx, tmp_path):
    model = small()
    with pytest.raises(ArgumentError, match="the only format is 'onnx', got 'tf_saved_model'"):
        model.export(tmp_path / "m", format="tf_saved_model")
    with pytest.raises(ArgumentError, match="opset_version must be 18, got 9"):
        model.export(tmp_path / "m", opset_version=9)
    with pytest.raises(ArgumentTypeError, match="unknown argument 'dynamic'"):
        model.export(tmp_path / "m", dynamic=True)
    with pytest.raises(ArgumentError, match="has 1 inputs, input_signature has 2"):
        model.export(tmp_path / "m", input_signature=[layers.InputSpec(shape=(None, 3))] * 2)
    with pytest.raises(ArgumentError, match=r"describes input 'x' of shape \(None, 3\) by \(None, 3, 1\)"):
        model.export(tmp_path / "m", input_signature=[layers.InputSpec(shape=(None, 3, 1))])
    with pytest.raises(StateError, match="export before the model is built"):
        keras.Sequential([layers.Dense(2)]).export(tmp_path / "m")
    assert os.listdir(tmp_path) == []


def test_without_the_extra_the_message_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ExtraMissing, match=r"(?s)export: expected the package onnx.*nbkeras\[onnx\]"):
        small().export(tmp_path / "m.onnx")
    assert os.listdir(tmp_path) == []


def test_onnx_is_imported_by_export_alone():
    code = "import sys, nbkeras; print('onnx' in sys.modules, 'nbkeras.export' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
