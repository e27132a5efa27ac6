"""Function, Operation's configuration, Input from a tensor, and scopes without effect: as in Keras."""

from __future__ import annotations

import numpy as np
import pytest

import nbkeras
from nbkeras.errors import ArgumentError, GraphError


@pytest.fixture(autouse=True)
def numbered_anew():
    yield
    nbkeras.backend.clear_session()


def described(keras):
    """The configurations of operations with constructors of all kinds."""

    class Plain(keras.Operation):
        def call(self, x):
            return x

    class Named(keras.Operation):
        def __init__(self, alpha, *, beta=1.0, name=None):
            super().__init__(name=name)

    class Unnamed(keras.Operation):
        def __init__(self, alpha, beta=1.0):
            super().__init__()

    class Keywords(keras.Operation):
        def __init__(self, alpha, **kwargs):
            super().__init__(**kwargs)

    class Own(keras.Operation):
        def __init__(self, alpha, name=None):
            super().__init__(name=name)
            self.alpha = alpha

        def get_config(self):
            return {**super().get_config(), "alpha": self.alpha}

    class Places(keras.Operation):
        def __init__(self, *args):
            super().__init__()

    found = [
        Plain(name="p").get_config(),
        Named(0.2, name="n").get_config(),
        Named(0.2, beta=3, name="n").get_config(),
        Unnamed(0.2).get_config(),
        Unnamed([1, {"a": None}]).get_config(),
        Keywords(0.2, name="k").get_config(),
        Own(0.2, name="o").get_config(),
        Named.from_config(Named(0.2, name="again").get_config()).name,
        Places().get_config(),
    ]
    for refused in (lambda: Places(1), lambda: Unnamed(object())):
        with pytest.raises(NotImplementedError):
            refused().get_config()
    for name in ("a/b", 3):
        with pytest.raises(ValueError, match="name"):
            Plain(name=name)
    return found


@pytest.mark.oracle
def test_configurations_of_operations():
    keras = pytest.importorskip("keras", reason="the extra 'oracle' is not installed")

    assert described(nbkeras) == described(keras)


def functions(keras):
    a, b = keras.KerasTensor((None, 2)), keras.KerasTensor((None, 2))
    function = keras.Function({"a": a, "b": b}, [keras.ops.relu(a - b), a * 2])
    values = {"a": np.array([[1.0, -3.0]], "float32"), "b": np.array([[0.5, 1.0]], "float32")}
    shapes = function.compute_output_shape({"a": (3, 2), "b": (3, 2)})
    spec = function({"a": keras.Input((2,)), "b": keras.Input((2,))})
    return (
        [np.asarray(y).tolist() for y in function(values)],
        shapes,
        [t.shape for t in spec],
        len(function.inputs),
        len(function.outputs),
    )


@pytest.mark.oracle
def test_functions():
    keras = pytest.importorskip("keras", reason="the extra 'oracle' is not installed")

    assert functions(nbkeras) == functions(keras)
    with pytest.raises(GraphError, match=r"disconnected|made by no layer"):
        nbkeras.Function(nbkeras.Input((2,)), nbkeras.Input((2,)) + 1)


def test_an_input_from_a_tensor():
    tensor = nbkeras.KerasTensor((None, 3), name="mine")
    layer = nbkeras.layers.InputLayer(input_tensor=tensor)
    assert layer.output is tensor and layer.batch_shape == (None, 3)
    model = nbkeras.Model(tensor, tensor * 2)
    np.testing.assert_array_equal(model(np.ones((1, 3), "float32")), np.full((1, 3), 2.0))
    for wrong in ({"shape": (4,)}, {"batch_size": 2}, {"batch_shape": (2, 3)}, {"dtype": "int32"}):
        with pytest.raises(ArgumentError, match=rf"{next(iter(wrong))} is .*, but the tensor's is"):
            nbkeras.Input(tensor=tensor, **wrong)
    with pytest.raises(ArgumentError, match="expected a Keras tensor, got 3"):
        nbkeras.Input(tensor=3)
    with pytest.raises(ArgumentError, match="cannot be given together with shape or batch_size"):
        nbkeras.Input((3,), batch_shape=(2, 3))


def test_scopes_without_effect():
    with nbkeras.SymbolicScope(), nbkeras.RematScope(mode="larger_than", output_size_threshold=3):
        assert nbkeras.remat(nbkeras.ops.add)(1.0, 2.0) == 3.0
    with pytest.raises(ArgumentError, match=r"mode must be .* got 'some'"):
        nbkeras.RematScope("some")
