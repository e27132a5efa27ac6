"""A Keras-style deep-learning library whose layers and optimizers are Numba kernels."""
