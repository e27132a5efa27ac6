"""Settings: the environment variables that nbkeras reads, and Keras's `config` functions."""

from __future__ import annotations

import os

from nbkeras.arguments import is_number
from nbkeras.errors import ArgumentError

#: Every environment variable that nbkeras reads, with what it does. `nbkeras info` prints this table.
ENVIRONMENT = {
    "NBKERAS_DEVICE": "where models run: cpu (default) or cuda; read once, at import",
    "NBKERAS_NUM_THREADS": "most threads a kernel may use",
    "NBKERAS_CACHE_DIR": "folder for compiled kernels",
    "NBKERAS_CPU": "baseline compiles for x86-64-v3, so that unlike nodes can share one cache",
    "NBKERAS_DEBUG": "1 prints each plan: step, kernel, shapes, bytes, time",
    "NBKERAS_CHECK": "1 compares every step of a plan with the reference implementation",
    "NBKERAS_VERBOSE": "what verbose='auto' means: 0, 1 or 2",
}


def flag(name: str) -> bool:
    """True if the environment variable is set to anything but the empty string or 0."""
    assert name in ENVIRONMENT, name
    return os.environ.get(name, "") not in ("", "0")


def setting(name: str) -> str | None:
    """The environment variable's value; an empty one counts as unset (T9 of the requirements)."""
    assert name in ENVIRONMENT, name
    return os.environ.get(name, "").strip() or None


_floatx = "float32"
_epsilon = 1e-7
_image_data_format = "channels_last"


def floatx() -> str:
    """The default float type of weights and data, a string.

    Example:
        >>> floatx()
        'float32'
    """
    return _floatx


def set_floatx(value: str) -> None:
    """Set the default float type, `'float32'` or `'float64'`.

    Raises:
        ArgumentError: it is neither.

    Example:
        >>> set_floatx("float64")
        >>> floatx()
        'float64'
        >>> set_floatx("float32")
    """
    global _floatx
    if value not in ("float32", "float64"):
        raise ArgumentError(
            f"set_floatx: expected 'float32' or 'float64', got {value!r}.",
            next="choose one of the two; the kernels are compiled for no other float type.",
        )
    _floatx = value


def epsilon() -> float:
    """The small number that losses and metrics add where they would divide by zero (1e-7 as in Keras).

    Example:
        >>> epsilon()
        1e-07
    """
    return _epsilon


def set_epsilon(value: float) -> None:
    """Set the number that `epsilon()` returns.

    Example:
        >>> set_epsilon(1e-5)
        >>> epsilon()
        1e-05
        >>> set_epsilon(1e-7)
    """
    global _epsilon
    if not is_number(value) or not 0 <= float(value) < 1:
        raise ArgumentError(
            f"set_epsilon: expected a number from 0 below 1, got {value!r}.", next="pass a small one, such as 1e-7."
        )
    _epsilon = float(value)


def image_data_format() -> str:
    """The default order of image axes, `'channels_last'` unless set.

    Example:
        >>> image_data_format()
        'channels_last'
    """
    return _image_data_format


def set_image_data_format(data_format: str) -> None:
    """Set the default order of image axes, `'channels_last'` or `'channels_first'`.

    Raises:
        ArgumentError: it is neither.

    Example:
        >>> set_image_data_format("channels_first")
        >>> image_data_format()
        'channels_first'
        >>> set_image_data_format("channels_last")
    """
    global _image_data_format
    if data_format not in ("channels_last", "channels_first"):
        raise ArgumentError(
            f"set_image_data_format: expected 'channels_last' or 'channels_first', got {data_format!r}."
        )
    _image_data_format = data_format


def get_num_threads() -> int:
    """How many threads a kernel may use, at most.

    Example:
        >>> get_num_threads() >= 1
        True
    """
    from nbkeras.kernels import threads

    return threads.get_num_threads()


def set_num_threads(count: int | None):
    """Set how many threads a kernel may use, at most; None returns to what NBKERAS_NUM_THREADS or the system says.

    Results don't depend on it, bit for bit. More than the process may use is lowered to that, with one warning. As a
    context manager it restores the former number at its end.

    Args:
        count: a whole number of at least 1, or None.

    Raises:
        ArgumentError: anything else.

    Example:
        >>> with set_num_threads(1):
        ...     print(get_num_threads())
        1
    """
    from nbkeras.kernels import threads

    return threads.set_num_threads(count)


def backend() -> str:
    """What computes: 'numba'.

    Example:
        >>> backend()
        'numba'
    """
    return "numba"


def dtype_policy():
    """The dtype policy of layers that are given none; see `keras.dtype_policies`.

    Example:
        >>> dtype_policy()
        <DTypePolicy "float32">
    """
    from nbkeras import dtype_policies

    return dtype_policies.dtype_policy()


def set_dtype_policy(policy) -> None:
    """Set the dtype policy of layers that are given none: a policy, or its name, such as `'float64'`.

    Example:
        >>> from nbkeras import dtype_policies
        >>> set_dtype_policy("float64")
        >>> dtype_policy()
        <DTypePolicy "float64">
        >>> dtype_policies.reset()
    """
    from nbkeras import dtype_policies

    dtype_policies.set_dtype_policy(policy)


_max_epochs: int | None = None
_max_steps_per_epoch: int | None = None
_switches: dict[str, bool | None] = {"interactive": True, "filtering": True, "flash": None}


def _limit(name, value):
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ArgumentError(f"{name}: expected a whole number from 1 on or None, got {value!r}.")
    return value


def max_epochs() -> int | None:
    """The most epochs that any `fit` runs, for quick tries of whole scripts; None is no limit.

    Example:
        >>> max_epochs() is None
        True
    """
    return _max_epochs


def set_max_epochs(max_epochs: int | None) -> None:
    """Let no `fit` run more epochs than this.

    Example:
        >>> set_max_epochs(2)
        >>> max_epochs()
        2
        >>> set_max_epochs(None)
    """
    global _max_epochs
    _max_epochs = _limit("set_max_epochs", max_epochs)


def max_steps_per_epoch() -> int | None:
    """The most batches that an epoch, an `evaluate` or a `predict` has; None is no limit.

    Example:
        >>> max_steps_per_epoch() is None
        True
    """
    return _max_steps_per_epoch


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Let no epoch, `evaluate` or `predict` have more batches than this.

    Example:
        >>> set_max_steps_per_epoch(10)
        >>> max_steps_per_epoch()
        10
        >>> set_max_steps_per_epoch(None)
    """
    global _max_steps_per_epoch
    _max_steps_per_epoch = _limit("set_max_steps_per_epoch", max_steps_per_epoch)


def enable_interactive_logging() -> None:
    """Write the progress of `fit`, `evaluate` and `predict` to standard output, as at the start.

    Example:
        >>> enable_interactive_logging()
        >>> is_interactive_logging_enabled()
        True
    """
    _switches["interactive"] = True


def disable_interactive_logging() -> None:
    """Write the progress of `fit`, `evaluate` and `predict` to Python's logger `nbkeras`, a record an epoch.

    Example:
        >>> disable_interactive_logging()
        >>> is_interactive_logging_enabled()
        False
        >>> enable_interactive_logging()
    """
    _switches["interactive"] = False


def is_interactive_logging_enabled() -> bool:
    """Whether progress goes to standard output rather than to the logger.

    Example:
        >>> is_interactive_logging_enabled()
        True
    """
    return bool(_switches["interactive"])


def enable_traceback_filtering() -> None:
    """Remember the wish. Tracebacks are whole either way: nbkeras hides no frames.

    Example:
        >>> enable_traceback_filtering()
        >>> is_traceback_filtering_enabled()
        True
    """
    _switches["filtering"] = True


def disable_traceback_filtering() -> None:
    """Remember the wish. Tracebacks are whole either way: nbkeras hides no frames.

    Example:
        >>> disable_traceback_filtering()
        >>> is_traceback_filtering_enabled()
        False
        >>> enable_traceback_filtering()
    """
    _switches["filtering"] = False


def is_traceback_filtering_enabled() -> bool:
    """What was wished for last; True at the start, as in Keras. It has no effect.

    Example:
        >>> is_traceback_filtering_enabled()
        True
    """
    return bool(_switches["filtering"])


def enable_flash_attention() -> None:
    """Remember the wish: a hint to backends that have such kernels, which this one has not.

    Example:
        >>> enable_flash_attention()
        >>> is_flash_attention_enabled()
        True
    """
    _switches["flash"] = True


def disable_flash_attention() -> None:
    """Remember the wish: a hint to backends that have such kernels, which this one has not.

    Example:
        >>> disable_flash_attention()
        >>> is_flash_attention_enabled()
        False
    """
    _switches["flash"] = False


def is_flash_attention_enabled() -> bool | None:
    """What was wished for last, None at the start. It has no effect.

    Example:
        >>> disable_flash_attention()
        >>> is_flash_attention_enabled()
        False
    """
    return _switches["flash"]


def is_nnx_enabled() -> bool:
    """False: there is no JAX below.

    Example:
        >>> is_nnx_enabled()
        False
    """
    return False


def set_backend(backend: str) -> None:
    """Accept the one backend that there is.

    Raises:
        ArgumentError: another backend than 'numba' is asked for.

    Example:
        >>> set_backend("numba")
    """
    if backend != "numba":
        raise ArgumentError(
            f"set_backend: nbkeras computes with its own kernels, got {backend!r}.",
            next="leave the call out; NBKERAS_DEVICE chooses between cpu and cuda.",
        )


def enable_unsafe_deserialization() -> None:
    """Refuse: files never carry code, and there is no mode in which they do.

    Raises:
        ArgumentError: always.

    Example:
        >>> try:
        ...     enable_unsafe_deserialization()
        ... except ArgumentError:
        ...     print("refused")
        refused
    """
    raise ArgumentError(
        "enable_unsafe_deserialization: there is no unsafe mode; model files never run code.",
        next="pass functions and classes of your own as custom_objects, or register them.",
    )
