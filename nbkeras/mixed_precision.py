"""Dtype policies under the names of `keras.mixed_precision`."""

from nbkeras.dtype_policies import DTypePolicy, dtype_policy, set_dtype_policy
from nbkeras.optimizers import LossScaleOptimizer

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]
