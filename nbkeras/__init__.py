"""A Keras-style deep-learning library whose layers and optimizers are Numba kernels.

`import nbkeras as keras`, and a script written for Keras runs.
"""

from nbkeras import (
    activations,
    backend,
    callbacks,
    config,
    constraints,
    datasets,
    device,
    dtype_policies,
    evaluation,
    initializers,
    layers,
    losses,
    metrics,
    mixed_precision,
    models,
    ops,
    optimizers,
    preprocessing,
    random,
    regularizers,
    saving,
    tree,
    utils,
    wrappers,
)
from nbkeras.backend.helpers import version
from nbkeras.callbacks import Callback
from nbkeras.dtype_policies import DTypePolicy, FloatDTypePolicy
from nbkeras.graph.keras_tensor import KerasTensor
from nbkeras.initializers import Initializer
from nbkeras.layers import Input, InputSpec, Layer
from nbkeras.losses import Loss
from nbkeras.metrics import Metric
from nbkeras.models import Model, Sequential
from nbkeras.models.function import Function
from nbkeras.ops.operation import Operation
from nbkeras.optimizers import Optimizer
from nbkeras.regularizers import Regularizer
from nbkeras.scopes import RematScope, StatelessScope, SymbolicScope, name_scope, remat
from nbkeras.training.warming import warmup
from nbkeras.transforms import grad, jit, value_and_grad
from nbkeras.variables import Variable

__version__ = "0.1.0"

__all__ = [
    "Callback",
    "DTypePolicy",
    "FloatDTypePolicy",
    "Function",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Operation",
    "Optimizer",
    "Regularizer",
    "RematScope",
    "Sequential",
    "StatelessScope",
    "SymbolicScope",
    "Variable",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "device",
    "dtype_policies",
    "evaluation",
    "grad",
    "initializers",
    "jit",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "name_scope",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "remat",
    "saving",
    "tree",
    "utils",
    "value_and_grad",
    "version",
    "warmup",
    "wrappers",
]
