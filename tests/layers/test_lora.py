"""LoRA: what is added to a layer's large weight, what trains, and what files keep."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import nbkeras
from nbkeras import layers
from nbkeras.errors import ArgumentError, StateError

#: (class, its arguments, an input, the name of the large weight)
CASES = {
    "Dense": (layers.Dense, {"units": 6, "activation": "tanh"}, (5, 4), "kernel"),
    "EinsumDense": (
        layers.EinsumDense,
        {"equation": "abc,cde->abde", "output_shape": (None, 2, 6), "bias_axes": "e"},
        (5, 3, 4),
        "kernel",
    ),
    "Embedding": (layers.Embedding, {"input_dim": 7, "output_dim": 6}, (5, 4), "embeddings"),
    "Conv1D": (layers.Conv1D, {"filters": 6, "kernel_size": 2, "padding": "causal"}, (5, 4, 3), "kernel"),
    "Conv2D": (
        layers.Conv2D,
        {"filters": 6, "kernel_size": (2, 3), "groups": 2, "data_format": "channels_first"},
        (5, 4, 4, 5),
        "kernel",
    ),
}
every_case = pytest.mark.parametrize("name", CASES)


def draw(name):
    kind, arguments, shape, large = CASES[name]
    rng = np.random.default_rng(3)
    x = rng.integers(0, 7, shape) if kind is layers.Embedding else rng.normal(size=shape).astype("float32")
    return kind, arguments, x, large


def adapted(name, rank=2, lora_alpha=None):
    """A layer whose small matrices have values, and an input."""
    kind, arguments, x, large = draw(name)
    layer = kind(**arguments)
    layer(x)
    layer.enable_lora(rank, lora_alpha)
    small = [getattr(layer, f"lora_{large}_{side}") for side in "ab"]
    rng = np.random.default_rng(4)
    for matrix in small:
        matrix.assign(rng.normal(size=matrix.shape).astype("float32"))
    return layer, x, small


@every_case
def test_the_product_is_added_to_the_large_weight(name):
    kind, arguments, x, large = draw(name)
    layer, _, (a, b) = adapted(name, lora_alpha=3.0)
    weight = vars(layer)[f"_{large}"]
    whole = weight.numpy() + 1.5 * (a.numpy() @ b.numpy())
    np.testing.assert_allclose(getattr(layer, large), whole, rtol=1e-5, atol=1e-6)
    plain = kind(**arguments)
    plain(x)
    plain.set_weights([whole, *(w.numpy() for w in layer.weights[1:-2])])
    np.testing.assert_allclose(layer(x), plain(x), rtol=1e-4, atol=1e-5)
    assert [w is weight for w in layer.non_trainable_weights] == [True]
    assert [w.name for w in layer.weights[-2:]] == [f"lora_{large}_a", f"lora_{large}_b"]


@every_case
def test_before_training_nothing_is_changed(name):
    kind, arguments, x, _ = draw(name)
    layer = kind(**arguments)
    before = layer(x)
    layer.enable_lora(2)
    np.testing.assert_array_equal(layer(x), before)


@every_case
def test_training_and_files(name, tmp_path):
    kind, arguments, x, _ = draw(name)
    model = nbkeras.Sequential([nbkeras.Input(x.shape[1:], dtype=str(x.dtype)), kind(**arguments)])
    layer = model.layers[0]
    layer.enable_lora(2)
    model.compile("sgd", "mse")
    target = np.ones(model.predict(x, verbose=0).shape, "float32")

    def train():
        before = layer.get_weights()
        model.fit(x, target, epochs=2, verbose=0)
        return [(one != other).any() for one, other in zip(before, layer.get_weights(), strict=True)]

    rest = [True] * (len(layer.weights) - 3)
    assert train() == [False, *rest, True, True]
    expected = model.predict(x, verbose=0)
    for again in (copy.deepcopy(model), _reloaded(model, tmp_path)):
        np.testing.assert_allclose(again.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-5)
        assert again.layers[0].lora_enabled and again.layers[0].lora_rank == 2
    model.save_weights(tmp_path / "a.weights.h5")
    plain = nbkeras.Sequential([nbkeras.Input(x.shape[1:], dtype=str(x.dtype)), kind(**arguments)])
    plain.load_weights(tmp_path / "a.weights.h5")
    np.testing.assert_allclose(plain.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-5)
    plain.save_weights(tmp_path / "b.weights.h5")
    model.load_weights(tmp_path / "b.weights.h5")
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-5)
    assert train() == [False, *rest, True, True]


def _reloaded(model, folder):
    model.save(folder / "model.keras")
    return nbkeras.models.load_model(folder / "model.keras")


def test_from_the_constructor():
    layer = layers.Dense(3, lora_rank=2, lora_alpha=1.0, kernel_regularizer="l2")
    layer(np.ones((1, 4), "float32"))
    assert [w.name for w in layer.trainable_weights] == ["bias", "lora_kernel_a", "lora_kernel_b"]
    assert len(layer.losses) == 2
    config = layer.get_config()
    assert (config["lora_rank"], config["lora_alpha"]) == (2, 1.0)
    assert layers.Dense.from_config(config).get_config() == config
    assert layers.Conv2D(3, 2, lora_rank=2).get_config()["lora_alpha"] == 2
    assert "lora_rank" not in layers.Dense(3).get_config()


def test_a_model_that_has_predicted_sees_it():
    model = nbkeras.Sequential([nbkeras.Input((4,)), layers.Dense(3)])
    x = np.ones((2, 4), "float32")
    before = model.predict(x, verbose=0)
    layer = model.layers[0]
    layer.enable_lora(2)
    np.testing.assert_array_equal(model.predict(x, verbose=0), before)
    layer.lora_kernel_a.assign(np.ones((4, 2)))
    layer.lora_kernel_b.assign(np.ones((2, 3)))
    np.testing.assert_allclose(model.predict(x, verbose=0), before + 8, rtol=1e-6)


def test_paths_are_those_of_the_layer():
    model = nbkeras.Sequential([nbkeras.Input((4,)), layers.Dense(3, name="dense")], name="model")
    model.layers[0].enable_lora(2)
    assert model.trainable_weights[-1].path == "model/dense/lora_kernel_b"


def test_refuses():
    with pytest.raises(StateError, match=r"'d' \(Dense\): enable_lora before the layer is built"):
        layers.Dense(2, name="d").enable_lora(2)
    layer, _, _ = adapted("Dense")
    with pytest.raises(StateError, match="LoRA is enabled already, with rank 2"):
        layer.enable_lora(2)
    for rank in (0, 1.5, True):
        with pytest.raises(ArgumentError, match=f"lora_rank must be a positive whole number, got {rank}"):
            layers.Dense(2, lora_rank=rank)
    layer = layers.Dense(2, kernel_constraint="non_neg")
    layer.build((None, 3))
    with pytest.raises(ArgumentError, match="LoRA leaves no sense to kernel_constraint"):
        layer.enable_lora(2)
    assert not layer.lora_enabled and len(layer.trainable_weights) == 2
    with pytest.raises(AttributeError, match="has no kernel before it is built"):
        layers.Dense(2).kernel.numpy()
    assert not hasattr(layers.Embedding(3, 2), "embeddings")


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@every_case
def test_trains_as_keras(name, tmp_path):
    keras = pytest.importorskip("keras", reason="the extra 'oracle' is not installed")
    _, arguments, x, _ = draw(name)
    models = []
    for k in (keras, nbkeras):
        model = k.Sequential([k.Input(x.shape[1:], dtype=str(x.dtype)), getattr(k.layers, name)(**arguments)])
        model.layers[-1].enable_lora(2, lora_alpha=3.0)
        model.compile(k.optimizers.SGD(0.1), "mse")
        models.append(model)
    theirs, ours = models
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    rng = np.random.default_rng(5)
    values = [rng.normal(size=w.shape).astype("float32") / 2 for w in ours.weights]
    for model in models:
        model.set_weights(values)
    target = np.ones(ours.predict(x, verbose=0).shape, "float32")
    losses = [model.fit(x, target, epochs=3, shuffle=False, verbose=0).history["loss"] for model in models]
    np.testing.assert_allclose(*losses, rtol=1e-4)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert set(ours.layers[0].get_config()) == set(theirs.layers[0].get_config())
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    ours.load_weights(tmp_path / "theirs.weights.h5")
    expected = np.asarray(theirs.predict(x, verbose=0))
    np.testing.assert_allclose(ours.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-5)
