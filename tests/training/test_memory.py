"""Memory stays where it is: over many steps, and over models that come and go."""

import gc
import pathlib
import tracemalloc
import weakref

import numpy as np
import pytest

import nbkeras
from nbkeras import layers

rng = np.random.default_rng(0)
X = rng.standard_normal((640, 16)).astype("float32")
Y = rng.integers(0, 4, 640)


@pytest.fixture(autouse=True)
def _only_new_objects():
    """The collector looks at what a test makes only: with a whole test session behind it, it takes a second a look."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def build():
    model = nbkeras.Sequential(
        [nbkeras.Input((16,)), layers.Dense(32, activation="relu"), layers.Dropout(0.2), layers.Dense(4)]
    )
    loss = nbkeras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    return model


def resident() -> int:
    """Bytes of this process in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def traced() -> int:
    """Bytes that Python and NumPy hold."""
    return tracemalloc.get_traced_memory()[0]


def growth(act, times, measure):
    """Bytes that a measure grows by, all repetitions together."""
    gc.collect()
    before = measure()
    for _ in range(times):
        act()
    gc.collect()
    return measure() - before


def check_flat(act, times, kept):
    """Python's memory and the process's stay; `kept` is what the latter may grow by for each repetition.

    A page now and then is the allocator's, so a growth that stops is none: the second half counts.
    """
    growth(act, 5, resident)
    growth(act, times // 2, resident)
    process = growth(act, times, resident)
    assert process < 2**18 + times * kept, process
    tracemalloc.start()
    try:
        growth(act, 3, traced)
        python = growth(act, times, traced)
    finally:
        tracemalloc.stop()
    assert python < 20_000 + times * kept // 4, python


def check_steps(epochs, times):
    model = build()
    check_flat(lambda: model.fit(X, Y, epochs=epochs, verbose=0), times, kept=0)


def check_models(times):
    def cycle():
        model = build()
        model.fit(X[:64], Y[:64], verbose=0)
        model.predict(X[:64], verbose=0)
        del model
        gc.collect()

    check_flat(cycle, times, kept=2_000)


@pytest.mark.skipif(not pathlib.Path("/proc/self/statm").exists(), reason="reads Linux's /proc")
class TestFlat:
    def test_steps(self):
        check_steps(epochs=10, times=10)

    def test_models(self):
        check_models(30)

    @pytest.mark.slow
    def test_ten_thousand_steps(self):
        check_steps(epochs=50, times=10)

    @pytest.mark.slow
    def test_two_hundred_models(self):
        check_models(200)


def kinds_of_models():
    a = nbkeras.Input((16,))
    yield build()
    yield nbkeras.Model(a, layers.Dense(4)(nbkeras.ops.relu(layers.Dense(3)(a))))
    yield nbkeras.Sequential([layers.Dense(4)])


@pytest.mark.parametrize("index", [0, 1, 2])
def test_nothing_keeps_a_model(index):
    model = list(kinds_of_models())[index]
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    model.fit(X[:64], np.zeros((64, 4), "float32"), verbose=0, callbacks=[nbkeras.callbacks.EarlyStopping("loss")])
    model.evaluate(X[:64], np.zeros((64, 4), "float32"), verbose=0)
    weights = model.weights[0]
    gone = [weakref.ref(model), weakref.ref(model.layers[-1]), weakref.ref(weights), weakref.ref(model.optimizer)]
    del model, weights
    gc.collect()
    assert [ref() for ref in gone] == [None] * 4


def test_data_is_not_kept():
    model = build()
    x = X.copy()
    gone = weakref.ref(x)
    model.fit(x, Y, verbose=0)
    del x
    gc.collect()
    assert gone() is None
