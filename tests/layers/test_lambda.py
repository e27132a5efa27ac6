"""Lambda: a function as a layer, saved by its registered name alone."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest

import nbkeras
from nbkeras import layers, ops
from nbkeras.errors import ArgumentError, ArgumentTypeError
from nbkeras.graph.masks import get_mask, with_mask
from nbkeras.saving.registry import register_keras_serializable

X = np.array([[[1.0, 2.0], [3.0, 4.0]]], "float32")
MASK = np.array([[True, False]])


@register_keras_serializable("tests", "scaled")
def scaled(x, factor=2.0):
    return x * factor


@register_keras_serializable("tests", "flat_shape")
def flat_shape(shape):
    return (shape[0], 4)


def test_calls_the_function():
    np.testing.assert_array_equal(layers.Lambda(lambda x: x + 1)(X), X + 1)
    np.testing.assert_array_equal(layers.Lambda(scaled, arguments={"factor": 3.0})(X), X * 3)
    layer = layers.Lambda(lambda x, training: x * 2 if training else x)
    np.testing.assert_array_equal(layer(X, training=True), X * 2)
    np.testing.assert_array_equal(layer(X), X)
    both = layers.Lambda(lambda xs: xs[0] * xs[1])([X, X])
    np.testing.assert_array_equal(both, X * X)


def test_shapes():
    flat = lambda x: ops.reshape(x, (-1, 4))  # noqa: E731
    assert layers.Lambda(flat)(nbkeras.Input((2, 2))).shape == (None, 4)
    for given in ((4,), flat_shape):
        assert layers.Lambda(flat, output_shape=given).compute_output_shape((None, 2, 2)) == (None, 4)


def test_masks():
    seen = layers.Lambda(lambda x, mask: ops.where(ops.expand_dims(mask, -1), x, 0.0))
    with pytest.warns(UserWarning, match="does not support masking"):
        y = seen(with_mask(X, MASK))
    np.testing.assert_array_equal(y, [[[1, 2], [0, 0]]])
    assert get_mask(y) is None
    own = layers.Lambda(lambda x: x * 1, mask=lambda inputs, mask: ops.logical_not(mask))
    np.testing.assert_array_equal(get_mask(own(with_mask(X, MASK))), ~MASK)
    np.testing.assert_array_equal(get_mask(layers.Lambda(lambda x: x * 1, mask=MASK)(X)), MASK)


def test_saved_by_name():
    model = nbkeras.Sequential([nbkeras.Input((2, 2)), layers.Lambda(scaled, flat_shape, arguments={"factor": 3.0})])
    text = model.to_json()
    entry = json.loads(text)["config"]["layers"][1]["config"]["function"]
    assert entry["class_name"] == "function" and entry["registered_name"] == "tests>scaled"
    np.testing.assert_array_equal(nbkeras.models.model_from_json(text)(X), X * 3)


def test_a_function_without_a_name_stays_in_the_process():
    model = nbkeras.Sequential([nbkeras.Input((2, 2)), layers.Lambda(lambda x: x + 1, name="plus")])
    for again in (copy.deepcopy(model), nbkeras.models.clone_model(model)):
        np.testing.assert_array_equal(again(X), X + 1)
    with pytest.raises(ArgumentTypeError, match="a lambda cannot be saved: files hold no code"):
        model.to_json()


def test_refuses():
    with pytest.raises(ArgumentTypeError, match="expected a function"):
        layers.Lambda(3)
    config = {"function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None}}}
    with pytest.raises(ArgumentError, match="holds the code of a function, which nbkeras never runs"):
        layers.Lambda.from_config(config)
    for name in ("os>system", "system"):
        config = {"function": {"module": "os", "class_name": "function", "config": name, "registered_name": name}}
        with pytest.raises(ArgumentError, match="is not registered"):
            layers.Lambda.from_config(config)
    known = layers.Lambda.from_config(config, custom_objects={"system": scaled})
    np.testing.assert_array_equal(known(X), 2 * X)
