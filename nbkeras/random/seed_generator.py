"""Seed generators: the state that random layers keep, so that each call draws other numbers."""

from __future__ import annotations

import numpy as np

from nbkeras.errors import ArgumentError
from nbkeras.graph import trace
from nbkeras.graph.primitives import emit
from nbkeras.naming import auto_name
from nbkeras.random.global_seed import global_seed_generator, make_default_seed
from nbkeras.variables import Variable


class SeedGenerator:
    """A seed and a counter of draws. Numbers depend on nothing but these two.

    Args:
        seed: an integer; None draws one from the global seed.
        name: made from the class name by default.

    Attributes:
        state: int64 variable of shape (2,): seed, counter. A layer that holds the generator saves it, so that training
            goes on with the same numbers after an interruption.

    Example:
        >>> generator = SeedGenerator(7)
        >>> generator.next().tolist(), generator.next().tolist()
        ([7, 0], [7, 1])
    """

    def __init__(self, seed=None, name=None, **kwargs):
        if kwargs:
            raise ArgumentError(f"SeedGenerator: unknown argument {next(iter(kwargs))!r}.", next="give seed and name.")
        if seed is None:
            seed = make_default_seed()
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise ArgumentError(f"SeedGenerator: expected an integer seed or None, got {seed!r}.")
        self.name = name or auto_name("seed_generator")
        self._initial_seed = int(seed)
        self.state = Variable(
            state_of(seed), dtype="int64", trainable=False, name=f"{self.name}_state"
        )
        self.state.path = f"{self.name}/{self.state.name}"

    def next(self, ordered=True):
        """The state for one draw, an int64 tensor (2,); the counter goes on by one.

        While tracing, the draw belongs to the step: each run of the step draws anew.
        """
        graph = trace.current()
        if graph is not None:
            current = graph.read(self.state)
            graph.values[self.state] = emit("increment", current, amount=1, index=1)
            return current
        current = self.state.numpy()
        self.state.assign(current + np.array([0, 1]))
        return current

    def get_config(self) -> dict:
        """The arguments that make an equal generator."""
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config):
        """A generator from `get_config`."""
        return cls(**config)


def state_of(seed) -> np.ndarray:
    """The state (seed, 0) of an integer seed; larger integers wrap to 64 bits."""
    return np.array([(int(seed) + 2**63) % 2**64 - 2**63, 0], np.int64)


def draw_seed(seed):
    """The state that a random function draws from.

    Args:
        seed: an integer (the same numbers at every call), a SeedGenerator, or None for the global one.

    Example:
        >>> draw_seed(3).tolist()
        [3, 0]
    """
    if seed is None:
        return global_seed_generator().next()
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        return state_of(seed)
    raise ArgumentError(
        f"seed: expected an integer, a keras.random.SeedGenerator or None, got {seed!r}.",
        next="make a SeedGenerator(seed) once and pass it to each call.",
    )
