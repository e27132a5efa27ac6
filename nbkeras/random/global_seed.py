"""The global seed: where numbers come from when nobody gave a seed."""

from __future__ import annotations

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


def make_default_seed() -> int:
    """A seed drawn from the global one."""
    return _seeds.randint(1, 10**9)


def global_seed_generator():
    """The SeedGenerator behind `seed=None`."""
    global _generator
    if _generator is None:
        from nbkeras.random.seed_generator import SeedGenerator

        seed = make_default_seed() if _generator_seed is None else _generator_seed
        _generator = SeedGenerator(seed, name="global_seed_generator")
    return _generator
