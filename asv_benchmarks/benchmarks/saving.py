"""Saving and loading a model of 100 MB: beside the disk, and beside Keras where it is installed."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import shutil
import tempfile

import numpy as np

from .common import ratio

#: How the name of a file of each format ends.
FORMATS = (".keras", ".weights.h5", ".h5")


def model(keras):
    """A model of 100 MB of weights, of nbkeras or of Keras."""
    layers = [keras.layers.Dense(2500, name=f"dense{i}") for i in range(4)]
    return keras.Sequential([keras.Input((2500,)), *layers])


def saving(model, path):
    """A call that saves a model, and one that loads it."""
    if str(path).endswith(".weights.h5"):
        return lambda: model.save_weights(path), lambda: model.load_weights(path)
    if type(model).__module__.startswith("nbkeras"):
        import nbkeras as keras
    else:
        import keras
    return lambda: model.save(path), lambda: keras.saving.load_model(path)


def ours(ending):
    """A folder, a call that saves a model of nbkeras in it, and one that loads it."""
    import nbkeras

    folder = pathlib.Path(tempfile.mkdtemp())
    save, load = saving(model(nbkeras), folder / f"ours{ending}")
    save()
    return folder, save, load


class Disk:
    """Times over those of the plain bytes: written to the disk for good, and read."""

    version = "1"
    timeout = 300
    unit = "ratio"
    params = FORMATS
    param_names = ("ending",)

    def setup(self, ending):
        self.folder, self.save, self.load = ours(ending)
        self.bytes = np.random.default_rng(0).bytes(os.path.getsize(self.folder / f"ours{ending}"))
        self.plain = self.folder / "plain"
        self.write()

    def teardown(self, ending):
        shutil.rmtree(self.folder)

    def write(self):
        with open(self.plain, "wb") as file:
            file.write(self.bytes)
            file.flush()
            os.fsync(file.fileno())

    def track_saving_over_writing(self, ending):
        return ratio(self.save, self.write, samples=7)

    def track_loading_over_reading(self, ending):
        return ratio(self.load, self.plain.read_bytes, samples=7)


class Keras:
    """Times over Keras's, on its JAX backend; it does not force what it writes to the disk."""

    version = "1"
    timeout = 300
    unit = "ratio"
    params = FORMATS
    param_names = ("ending",)

    def setup(self, ending):
        if importlib.util.find_spec("keras") is None or importlib.util.find_spec("jax") is None:
            raise NotImplementedError("Keras is not installed")
        os.environ.setdefault("KERAS_BACKEND", "jax")
        import keras

        self.folder, self.save, self.load = ours(ending)
        self.their_save, self.their_load = saving(model(keras), self.folder / f"theirs{ending}")
        self.their_save()

    def teardown(self, ending):
        shutil.rmtree(self.folder)

    def track_saving_over_keras(self, ending):
        return ratio(self.save, self.their_save, samples=7)

    def track_loading_over_keras(self, ending):
        return ratio(self.load, self.their_load, samples=7)
