"""The global seed: where numbers come from when nobody gave a seed."""

from __future__ import annotations

import contextlib
import random

import numpy as np

from nbkeras.errors import ArgumentError

#: Draws a seed for everything that was made without one. Apart from Python's generator, so that a script's own draws
#: do not change a model's weights.
_seeds = random.Random()
_generator = None
_generator_seed = None


def set_random_seed(seed: int) -> None:
    """Fix all randomness: Python's, NumPy's and nbkeras's.

    Args:
        seed: an integer from 0 to 2**32 - 1, which is what NumPy takes.

    Example:
        >>> from nbkeras import random
        >>> set_random_seed(1)
        >>> first = random.uniform((2,))
        >>> set_random_seed(1)
        >>> bool((random.uniform((2,)) == first).all())
        True
    """
    global _generator_seed
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise ArgumentError(
            f"set_random_seed: expected an integer from 0 to {2**32 - 1}, got {seed!r}.",
            next="give any such number; the same one gives the same results.",
        )
    seed = int(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - scripts and the data sources use NumPy's global generator
    _seeds.seed(seed)
    _generator_seed = make_default_seed()
    if _generator is not None:
        # The generator stays the same object: steps that were traced go on to use it.
        _generator.state.assign(np.array([_generator_seed, 0]))


@contextlib.contextmanager
def seeded_apart(seed: int):
    """`set_random_seed` for a block; afterwards all random numbers go on as if there had been no block.

    Example:
        >>> set_random_seed(1)
        >>> first = [make_default_seed(), make_default_seed()]
        >>> set_random_seed(1)
        >>> again = [make_default_seed()]
        >>> with seeded_apart(7):
        ...     inside = make_default_seed()
        >>> [*again, make_default_seed()] == first
        True
    """
    global _generator_seed
    before = random.getstate(), np.random.get_state(), _seeds.getstate(), _generator_seed  # noqa: NPY002
    state = None if _generator is None else _generator.state.numpy().copy()
    set_random_seed(seed)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        _seeds.setstate(before[2])
        _generator_seed = before[3]
        if _generator is not None:
            # One that was made inside starts as it would have started now.
            _generator.state.assign(np.array([_initial_seed(), 0]) if state is None else state)


def set_generator(state) -> None:
    """Give the global generator a state; None where there was none yet: it starts as it would have started then."""
    if state is not None:
        global_seed_generator().state.assign(state)
    elif _generator is not None:
        # The same object: steps that were traced go on to use it. It draws its seed as a new one would.
        _generator.state.assign(np.array([_initial_seed(), 0]))


def make_default_seed() -> int:
    """A seed drawn from the global one."""
    return _seeds.randint(1, 10**9)


def global_seed_generator():
    """The SeedGenerator behind `seed=None`."""
    global _generator
    if _generator is None:
        from nbkeras.random.seed_generator import SeedGenerator

        _generator = SeedGenerator(_initial_seed(), name="global_seed_generator")
    return _generator


def _initial_seed() -> int:
    return make_default_seed() if _generator_seed is None else _generator_seed
