"""A Keras-style deep-learning library whose layers and optimizers are Numba kernels."""

__version__ = "0.1.0"
