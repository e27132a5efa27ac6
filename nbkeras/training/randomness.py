"""The random numbers of a whole process as a value: Python's, NumPy's, and the global seed of nbkeras."""

from __future__ import annotations

import random

import numpy as np

from nbkeras.random import global_seed


def get_state() -> dict:
    """The state of all global generators, as plain values and arrays."""
    version, words, gauss = random.getstate()
    _, keys, position, has_gauss, cached = np.random.get_state()  # noqa: NPY002 - scripts use the global generator
    seeds = global_seed._seeds.getstate()
    generator = global_seed._generator
    return {
        "python": [version, np.array(words, np.uint32), gauss],
        "numpy": [np.array(keys, np.uint32), int(position), int(has_gauss), float(cached)],
        "seeds": [seeds[0], np.array(seeds[1], np.uint32), seeds[2]],
        "generator": None if generator is None else generator.state.numpy(),
        "generator_seed": global_seed._generator_seed,
    }


def set_state(state: dict) -> None:
    """Take up what `get_state` gave.

    Example:
        >>> before = get_state()
        >>> first = np.random.rand()
        >>> set_state(before)
        >>> bool(np.random.rand() == first)
        True
    """
    version, words, gauss = state["python"]
    random.setstate((version, tuple(map(int, words)), gauss))
    keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state(("MT19937", keys, position, has_gauss, cached))  # noqa: NPY002
    version, words, gauss = state["seeds"]
    global_seed._seeds.setstate((version, tuple(map(int, words)), gauss))
    global_seed._generator_seed = state["generator_seed"]
    global_seed.set_generator(state["generator"])
