"""Backend-level helpers: scopes, variables, dtype policies, structures, operations, settings."""

from __future__ import annotations

import operator
from collections import OrderedDict, defaultdict, deque, namedtuple

import numpy as np
import pytest

import nbkeras as keras
from nbkeras.errors import ArgumentError, ArgumentTypeError, ShapeError

Point = namedtuple("Point", "x y")
NEST = {"b": [1, (2, None)], "a": deque([3]), "o": OrderedDict([("z", 4), ("y", 5)]), "p": Point(6, 7)}


def test_walks_of_structures():
    assert keras.tree.flatten(NEST) == [3, 1, 2, None, 4, 5, 6, 7]
    doubled = keras.tree.map_structure(lambda x: 2 * x, NEST, none_is_leaf=False)
    assert doubled == {
        "b": [2, (4, None)],
        "a": deque([6]),
        "o": OrderedDict([("z", 8), ("y", 10)]),
        "p": Point(12, 14),
    }
    assert keras.tree.pack_sequence_as(NEST, range(8))["o"] == OrderedDict([("z", 4), ("y", 5)])
    assert keras.tree.flatten_with_path(NEST)[:2] == [(("a", 0), 3), (("b", 0), 1)]
    assert keras.tree.map_structure_up_to([0, (0,)], sum, [[1, 2], ([3, 4],)]) == [3, (7,)]
    assert keras.tree.map_shape_structure(lambda s: len(s), {"a": (None, 2), "b": [(1,), [1, 2, 3]]}) == {
        "a": 2,
        "b": [1, 3],
    }
    assert keras.tree.lists_to_tuples([1, [2, {"k": [3]}]]) == (1, (2, {"k": (3,)}))
    assert keras.tree.traverse(lambda x: keras.tree.MAP_TO_NONE if x == [2] else None, [1, [2]]) == [1, None]
    assert isinstance(keras.tree.map_structure(lambda x: x, defaultdict(list, a=1)), defaultdict)


@pytest.mark.parametrize(
    "a, b", [([1, 2], [1]), ([1], (1,)), ({"a": 1}, {"b": 1}), ([1], 1), ([[1]], [1]), (Point(1, 2), (1, 2))]
)
def test_structures_that_differ(a, b):
    with pytest.raises(ValueError, match="differ"):
        keras.tree.assert_same_structure(a, b)
    with pytest.raises(ValueError, match="differ"):
        keras.tree.map_structure(lambda x, y: x, a, b)


def test_paths_that_differ():
    keras.tree.assert_same_paths([1, (2,)], (1, [2]))
    with pytest.raises(ValueError, match="same paths"):
        keras.tree.assert_same_paths([1], [1, 2])
    for leaves, text in (([1], "Too few leaves"), ([1, 2, 3], "Too many leaves")):
        with pytest.raises(ValueError, match=text):
            keras.tree.pack_sequence_as([0, 0], leaves)


def test_names_of_variables_follow_scopes():
    with keras.name_scope("outer"), keras.name_scope("inner", override_parent="/a/b"):
        assert keras.Variable(1.0, name="v").path == "a/b/inner/v"
    with keras.name_scope("same", caller=1), keras.name_scope("same", caller=1):
        assert keras.Variable(1.0, name="v").path == "same/v"
    assert keras.Variable(1.0, name="v").path == "v"
    with pytest.raises(ArgumentError, match="without '/'"):
        keras.name_scope("a/b")


def test_stateless_scope_keeps_variables():
    v, w = keras.Variable([1.0, 2.0]), keras.Variable([5.0])
    with keras.StatelessScope([(v, np.zeros(2))]) as scope:
        v.assign_add([3.0, 4.0])
        w.assign(v[:1] * 2)
        np.testing.assert_array_equal(v + w, [9.0, 10.0])
    np.testing.assert_array_equal(v, [1, 2])
    np.testing.assert_array_equal(w, [5])
    np.testing.assert_array_equal(scope.get_current_value(w), [6])
    assert scope.get_current_value(keras.Variable(1.0)) is None
    with pytest.raises(ArgumentError, match="must be Variable"):
        keras.StatelessScope([("x", 1.0)])
    with pytest.raises(ArgumentError, match="must be tensors with"):
        keras.StatelessScope([(v, np.zeros(3))])


def test_variables():
    v = keras.Variable("ones", (2, 3), trainable=False, aggregation="mean", name="v")
    assert (v.shape, v.dtype, v.ndim, v.trainable, v.aggregation, v.path) == ((2, 3), "float32", 2, False, "mean", "v")
    assert (v.synchronization, keras.Variable(1.0, aggregation=None).aggregation) == ("auto", "none")
    np.testing.assert_array_equal(+v - abs(-v), np.zeros((2, 3)))
    np.testing.assert_array_equal(round(v, 1), np.ones((2, 3)))
    np.testing.assert_array_equal(v.assign_sub(np.ones((2, 3))), np.zeros((2, 3)))
    v.constraint = v.regularizer = lambda x: x
    for call, kind, text in (
        (lambda: keras.Variable("ones"), ArgumentError, "`shape` argument"),
        (lambda: keras.Variable("ones", (2, None)), ArgumentError, "fully-defined"),
        (lambda: keras.Variable("ones", (-1,)), ArgumentError, "negative"),
        (lambda: keras.Variable("ones", (1.5,)), ArgumentTypeError, "fully-defined"),
        (lambda: keras.Variable(1.0, name="a/b"), ArgumentError, "without '/'"),
        (lambda: keras.Variable(1.0, aggregation="x"), ArgumentError, "aggregation must be one of"),
        (lambda: v.assign(np.ones(3)), ShapeError, "was assigned shape"),
        (lambda: setattr(v, "constraint", 3), ArgumentError, "expected a constraint"),
    ):
        with pytest.raises(kind, match=text):
            call()


def test_numpy_sees_the_value_of_a_variable():
    v = keras.Variable([[1.0, -2.0], [3.0, 4.0]])
    assert (np.min(v), np.abs(v).max(), np.exp(v).shape) == (-2.0, 4.0, (2, 2))
    np.testing.assert_array_equal(np.sum(v, axis=0), [4.0, 2.0])
    np.testing.assert_array_equal(np.ones_like(v), np.ones((2, 2)))
    a = np.full((2, 2), 2.0, "float32")
    for operate in (
        *(operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow),
        *(operator.matmul, operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne),
    ):
        np.testing.assert_allclose(operate(a, v), operate(a, v.numpy()), rtol=1e-6)
    bits, flags = keras.Variable([True, True, False], dtype="bool"), np.array([True, False, False])
    for operate in (operator.and_, operator.or_, operator.xor):
        np.testing.assert_array_equal(operate(flags, bits), operate(flags, bits.numpy()))
    a *= v
    np.testing.assert_array_equal(a, 2 * v.numpy())


def test_dtypes_of_variables_of_python_values():
    for value, dtype in ((1, "int32"), ([[1, 2]], "int32"), ((1, 2.5), "float32"), (True, "bool"), (2.5, "float32")):
        assert keras.Variable(value).dtype == dtype
    assert keras.Variable(1, dtype="float32").dtype == "float32"


def test_what_was_read_of_a_variable_stays():
    """An array read before an assignment is the value before it, as Keras's immutable tensors are."""
    v = keras.Variable([1.0, 2.0])
    read = [v.value, +v, keras.ops.convert_to_tensor(v), keras.ops.cast(v, "float32"), keras.ops.transpose(v)]
    read += [keras.ops.stop_gradient(v), keras.ops.reshape(v, (2,)), keras.ops.squeeze(v), np.asarray(v), v[:]]
    v.assign([3.0, 4.0])
    for array in read:
        np.testing.assert_array_equal(array, [1.0, 2.0])


def test_a_variable_shows_its_value():
    v = keras.Variable([1.0, 2.0], name="v")
    assert repr(v) == "<Variable path=v, shape=(2,), dtype=float32, value=[1. 2.]>"
    assert len(repr(keras.Variable(np.zeros((100, 100))))) < 400


def test_a_step_sees_the_new_value_of_a_variable_that_numpy_multiplies():
    v = keras.Variable([1.0, 2.0])
    step = keras.jit(lambda x: x + np.ones(2, "float32") * v)
    np.testing.assert_array_equal(step(np.zeros(2, "float32")), [1, 2])
    v.assign([3.0, 4.0])
    np.testing.assert_array_equal(step(np.zeros(2, "float32")), [3, 4])
    with pytest.raises(ArgumentTypeError, match="has no value yet"):
        keras.jit(lambda x: x + np.exp(v))(np.zeros(2, "float32"))


def test_dtype_policies():
    policy = keras.dtype_policies.DTypePolicy("float64")
    assert policy == keras.FloatDTypePolicy("float64") == keras.dtype_policies.get("float64")
    assert keras.dtype_policies.deserialize(keras.dtype_policies.serialize(policy)) == policy
    assert keras.layers.Dense(2, dtype=policy).dtype_policy == policy
    assert keras.layers.Dense(2, dtype=keras.dtype_policies.serialize(policy)).compute_dtype == "float64"
    assert policy.convert_input(np.ones(2, "float32"), True, "float64").dtype == "float64"
    assert policy.convert_input(np.ones(2, "int32"), True, "float64").dtype == "int32"
    keras.config.set_dtype_policy("float64")
    try:
        layer = keras.layers.Dense(2)
        assert layer(np.ones((1, 2), "float32")).dtype == layer.weights[0].dtype == "float64"
    finally:
        keras.backend.clear_session()
    assert keras.config.dtype_policy().name == "float32"
    with pytest.raises(ArgumentError, match="DTypePolicy"):
        keras.DTypePolicy("nonsense")
    with pytest.raises(ArgumentTypeError, match="must be a string"):
        keras.DTypePolicy(3)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_policies_as_in_keras():
    theirs = pytest.importorskip("keras", reason="the extra 'oracle' is not installed")
    for name in ("float32", "float64"):
        ours, expected = keras.DTypePolicy(name), theirs.DTypePolicy(name)
        assert keras.dtype_policies.serialize(ours) == theirs.dtype_policies.serialize(expected)
        assert repr(ours) == repr(expected)
    ours, expected = keras.layers.Dense(2, name="d"), theirs.layers.Dense(2, name="d")
    assert ours.get_config()["dtype"] == expected.get_config()["dtype"]


def test_backend_helpers():
    assert (keras.backend.backend(), keras.config.backend()) == ("numba", "numba")
    assert keras.backend.is_float_dtype("float64") and not keras.backend.is_float_dtype("int32")
    assert keras.backend.is_int_dtype("uint8") and not keras.backend.is_int_dtype("bool")
    assert keras.backend.is_keras_tensor(keras.Input((2,))) and not keras.backend.is_keras_tensor(1.0)
    keras.backend.clear_session()
    assert (keras.backend.get_uid("a"), keras.backend.get_uid("a"), keras.backend.get_uid("b")) == (1, 2, 1)
    assert keras.version() == keras.__version__
    with keras.device("cpu:0"):
        assert keras.ops.ones(1)[0] == 1
    with pytest.raises(ArgumentError, match="not the device of this process"), keras.device("tpu:0"):
        pass


class Shifted(keras.Operation):
    def __init__(self, by, name=None):
        super().__init__(name=name)
        self.by = by

    def call(self, x):
        return keras.ops.add(x, self.by)


def test_operations():
    operation = Shifted(2.0, name="s")
    np.testing.assert_array_equal(operation(np.ones(2)), [3, 3])
    x = keras.Input((3,))
    model = keras.Model(x, operation(x))
    np.testing.assert_array_equal(model(np.ones((1, 3))), np.full((1, 3), 3))
    again = Shifted.from_config(operation.get_config())
    assert (again.by, again.name, Shifted(1).name) == (2.0, "s", "shifted")


@pytest.mark.parametrize("name", ["float16", "bfloat16", "mixed_float16", "mixed_bfloat16"])
def test_half_precision_keeps_its_name_and_computes_float32(name, monkeypatch):
    monkeypatch.setattr(keras.dtype_policies, "_warned", False)
    with pytest.warns(UserWarning, match=f"'{name}' means float32 here"):
        layer = keras.layers.Dense(2, dtype=name)
    again = keras.layers.Dense.from_config(layer.get_config())  # Said once: a second warning would be an error.
    assert again.dtype_policy.name == name
    assert again.compute_dtype == again.variable_dtype == again(np.ones((1, 3))).dtype == "float32"
    keras.mixed_precision.set_global_policy(name)
    try:
        assert keras.layers.Dense(1).dtype_policy == keras.mixed_precision.Policy(name)
    finally:
        keras.backend.clear_session()


@pytest.fixture
def settings():
    yield keras.config
    keras.config.set_max_epochs(None)
    keras.config.set_max_steps_per_epoch(None)
    keras.config.enable_interactive_logging()
    keras.config.enable_traceback_filtering()


@pytest.mark.filterwarnings("ignore:.*by config.set_max")
def test_limits_of_training(settings):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((400, 3)), np.ones((400, 1))
    settings.set_max_epochs(2)
    settings.set_max_steps_per_epoch(3)
    history = model.fit(x, y, epochs=9, verbose=0)
    assert len(history.epoch) == 2 and history.params["steps"] == 3
    assert len(model.predict(x, batch_size=20, verbose=0)) == 60
    assert len(model.predict(x, batch_size=200, verbose=0)) == 400
    endless = ((x[:4], y[:4]) for _ in iter(int, 1))
    assert model.fit(endless, verbose=0).params["steps"] == 3
    for wrong in (0, True, 2.0):
        with pytest.raises(ArgumentError, match="set_max_epochs: expected a whole number from 1 on"):
            settings.set_max_epochs(wrong)


def test_progress_goes_to_the_logger(settings, caplog, capsys):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    settings.disable_interactive_logging()
    assert not keras.utils.is_interactive_logging_enabled()
    with caplog.at_level("INFO", logger="nbkeras"):
        model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=2)
    assert [r.name for r in caplog.records] == ["nbkeras"] and "loss: " in caplog.text
    assert capsys.readouterr().out == ""


def test_wishes_without_effect(settings):
    assert settings.is_traceback_filtering_enabled()
    settings.disable_traceback_filtering()
    settings.enable_flash_attention()
    assert settings.is_flash_attention_enabled() and not settings.is_traceback_filtering_enabled()
    settings.disable_flash_attention()
    settings.set_backend("numba")
    with pytest.raises(ArgumentError, match="set_backend: nbkeras computes with its own kernels, got 'jax'"):
        settings.set_backend("jax")
    with pytest.raises(ArgumentError, match="there is no unsafe mode"):
        settings.enable_unsafe_deserialization()
