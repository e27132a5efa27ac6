"""N15 and N21: signals are heard within a second of training, and data is loaded without forking."""

from __future__ import annotations

import signal
import time

import numpy as np

import nbkeras as keras


def convnet():
    layers = keras.layers
    stack = [layers.Conv2D(64, 3, padding="same", activation="relu") for _ in range(4)]
    model = keras.Sequential([keras.Input((32, 32, 3)), *stack, layers.GlobalAveragePooling2D(), layers.Dense(10)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def test_a_signal_is_heard_between_two_steps():
    """A step of this network takes hundreds of times as long as one of a small one; Python runs between steps."""
    model = convnet()
    x, y = np.zeros((256, 32, 32, 3), "float32"), np.zeros(256, "int32")
    model.fit(x[:64], y[:64], batch_size=64, verbose=0)
    due, heard = [], []

    def hear(number, frame):
        heard.append(time.monotonic() - due[-1])
        start()

    def start():
        if len(due) < 4:
            due.append(time.monotonic() + 0.05)
            signal.setitimer(signal.ITIMER_REAL, 0.05)

    before = signal.signal(signal.SIGALRM, hear)
    try:
        start()
        while len(heard) < 4:
            model.fit(x, y, batch_size=64, verbose=0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert max(heard) < 1.0, heard


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return np.full((8, 3), index, "float32"), np.zeros((8, 1), "float32")


def test_loading_data_never_forks(monkeypatch):
    """A child that is forked while threads run, as kernels' do, may find locks held for ever."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((32, 3), "float32"), np.ones((32, 1), "float32")
    model.fit(x, y, verbose=0)

    def fork():
        raise AssertionError("os.fork() was called")

    monkeypatch.setattr("os.fork", fork)
    model.fit(x, y, verbose=0, validation_split=0.5)
    model.fit(((x, y) for _ in range(3)), steps_per_epoch=3, verbose=0)
    for processes in (False, True):
        model.fit(Batches(workers=2, use_multiprocessing=processes), verbose=0)
    model.predict(Batches(workers=2), verbose=0)
