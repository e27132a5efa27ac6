"""Random tensors. The same seed gives the same numbers on every device and for any number of threads."""

from nbkeras.random.distributions import categorical, normal, randint, truncated_normal, uniform
from nbkeras.random.masks import dropout, shuffle
from nbkeras.random.seed_generator import SeedGenerator

__all__ = [
    "SeedGenerator",
    "categorical",
    "dropout",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]
