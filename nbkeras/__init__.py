"""A Keras-style deep-learning library whose layers and optimizers are Numba kernels.

`import nbkeras as keras`, and a script written for Keras runs.
"""

from nbkeras import (
    activations,
    callbacks,
    config,
    constraints,
    datasets,
    device,
    evaluation,
    initializers,
    layers,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    random,
    regularizers,
    saving,
    tree,
    utils,
)
from nbkeras.callbacks import Callback
from nbkeras.graph.keras_tensor import KerasTensor
from nbkeras.initializers import Initializer
from nbkeras.layers import Input, InputSpec, Layer
from nbkeras.losses import Loss
from nbkeras.metrics import Metric
from nbkeras.models import Model, Sequential
from nbkeras.optimizers import Optimizer
from nbkeras.regularizers import Regularizer
from nbkeras.variables import Variable

__version__ = "0.1.0"

__all__ = [
    "Callback",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "Variable",
    "activations",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "device",
    "evaluation",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "random",
    "regularizers",
    "saving",
    "tree",
    "utils",
]
