"""Dtype policies: in which dtype a layer keeps its weights and computes. Here both are one: float32 or float64.

Policies of half precision are taken and kept by name, so that scripts and files that have them work, but their layers
keep and compute float32: CPUs multiply halves no faster, and float32 needs no scaling of the loss.
"""

from __future__ import annotations

import warnings

from nbkeras import config
from nbkeras.errors import ArgumentError, ArgumentTypeError
from nbkeras.graph.dtypes import dtype_name, is_float, standardize_dtype

#: Policies whose layers keep and compute float32.
_HALF = ("float16", "bfloat16", "mixed_float16", "mixed_bfloat16")

_global = None
_warned = False


class DTypePolicy:
    """The dtypes of a layer.

    Args:
        name: a dtype's name; the global policy's by default. 'float16', 'bfloat16', 'mixed_float16' and
            'mixed_bfloat16' keep their name but mean float32; the first of them warns.

    Example:
        >>> policy = DTypePolicy("float64")
        >>> policy.compute_dtype, policy.variable_dtype, policy
        ('float64', 'float64', <DTypePolicy "float64">)
    """

    def __init__(self, name=None):
        name = dtype_policy().name if name is None else name
        if not isinstance(name, str):
            raise ArgumentTypeError(f"DTypePolicy: 'name' must be a string such as 'float32', got {name!r}.")
        if name in _HALF:
            _warn_of_half(name)
        try:
            self._dtype = "float32" if name in _HALF else standardize_dtype(name)
        except (ArgumentError, TypeError):
            raise ArgumentError(
                f"DTypePolicy: Cannot convert {name!r} to a dtype policy.", next="use 'float32' or 'float64'."
            ) from None
        self._name = name

    @property
    def name(self) -> str:
        """The policy's name."""
        return self._name

    @property
    def compute_dtype(self) -> str:
        """The dtype in which a layer computes."""
        return self._dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of a layer's weights."""
        return self._dtype

    @property
    def quantization_mode(self):
        """None: nothing is quantized."""
        return None

    def convert_input(self, x, autocast, dtype):
        """A tensor of x; floats become the dtype if `autocast`. What is no array stays as it is."""
        from nbkeras.ops.common import cast, tensor

        if not hasattr(x, "shape") and not hasattr(x, "__array__"):
            return x
        dtype = standardize_dtype(dtype)
        if hasattr(x, "history"):
            from nbkeras import ops

            return ops.cast(x, dtype) if autocast and is_float(x.dtype) and x.dtype != dtype else x
        x = tensor(x)
        return cast(x, dtype) if autocast and is_float(dtype_name(x.dtype)) else x

    def get_config(self) -> dict:
        """The arguments that make an equal policy."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config):
        """A policy from `get_config`."""
        return cls(**config)

    def __repr__(self):
        return f'<DTypePolicy "{self._name}">'

    def __eq__(self, other):
        return isinstance(other, DTypePolicy) and self._name == other._name

    def __hash__(self):
        return hash(self._name)


def _warn_of_half(name):
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            f"DTypePolicy: {name!r} means float32 here: layers keep and compute float32, which on CPUs is no slower "
            "than half precision; memory and rounding are float32's. This is said once.",
            stacklevel=4,
        )


class FloatDTypePolicy(DTypePolicy):
    """The same as `DTypePolicy`.

    Example:
        >>> FloatDTypePolicy("float64").compute_dtype
        'float64'
    """


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are given none: floatx, unless `set_dtype_policy` has set another.

    Example:
        >>> dtype_policy()
        <DTypePolicy "float32">
    """
    return DTypePolicy(config.floatx()) if _global is None else _global


def set_dtype_policy(policy) -> None:
    """Set the policy of layers that are given none.

    Args:
        policy: a policy, or the name of one.

    Example:
        >>> set_dtype_policy("float64")
        >>> dtype_policy()
        <DTypePolicy "float64">
        >>> reset()
    """
    global _global
    if not isinstance(policy, (str, DTypePolicy)):
        raise ArgumentError(f"set_dtype_policy: expected a policy or its name, got {policy!r}.")
    _global = get(policy)


def reset() -> None:
    """Go back to the policy of floatx.

    Example:
        >>> reset()
        >>> dtype_policy()
        <DTypePolicy "float32">
    """
    global _global
    _global = None


def get(identifier) -> DTypePolicy:
    """A policy from its name, its configuration, a dtype, or itself; None is the global one.

    Example:
        >>> get("float64")
        <DTypePolicy "float64">
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    try:
        return DTypePolicy(standardize_dtype(identifier))
    except (TypeError, ArgumentError):
        raise ArgumentError(f"dtype policy: Cannot interpret {identifier!r}.", next="use 'float32'.") from None


def serialize(dtype_policy: DTypePolicy) -> dict:
    """A policy as a dict of plain values, in Keras's form.

    Example:
        >>> serialize(DTypePolicy("float64"))["config"]
        {'name': 'float64'}
    """
    name = type(dtype_policy).__name__
    return {"module": "keras", "class_name": name, "config": dtype_policy.get_config(), "registered_name": None}


def deserialize(config: dict, custom_objects=None) -> DTypePolicy:
    """A policy from `serialize`.

    Args:
        custom_objects: accepted as Keras has it; policies are these two classes only.

    Example:
        >>> deserialize(serialize(DTypePolicy("float64")))
        <DTypePolicy "float64">
    """
    known = {"DTypePolicy": DTypePolicy, "FloatDTypePolicy": FloatDTypePolicy}
    if config.get("class_name") not in known:
        raise ArgumentError(f"dtype policy: unknown class {config.get('class_name')!r}.", next="use DTypePolicy.")
    return known[config["class_name"]].from_config(config["config"])
