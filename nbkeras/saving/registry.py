"""Objects as configurations: the one place that turns a class into a dict and a dict back into an object.

Classes are found by exact name in closed tables: the table of a family, then what the caller registered or passed as
custom objects. A configuration can never name a module or run code.
"""

from __future__ import annotations

import contextlib
import inspect
import threading

import numpy as np

from nbkeras.errors import ArgumentError, ArgumentTypeError, NbkerasError, nearest
from nbkeras.graph.dtypes import standardize_dtype

#: What a slice has.
SLICE = ("start", "stop", "step")

_registered: dict[str, object] = {}
_registered_names: dict[object, str] = {}
_local = threading.local()


def _scopes() -> list[dict]:
    if not hasattr(_local, "scopes"):
        _local.scopes = []
    return _local.scopes


def register_keras_serializable(package="Custom", name=None):
    """Decorator: make a class or function known by the name `package>name` to everything that reads configurations.

    Example:
        >>> @register_keras_serializable(package="doc")
        ... class Thing:
        ...     def get_config(self):
        ...         return {}
        >>> get_registered_name(Thing)
        'doc>Thing'

    Raises:
        ArgumentError: a class without `get_config`, of which no file could keep an object.
        ArgumentTypeError: neither a class nor a function.
    """

    def decorate(target):
        if not callable(target):
            raise ArgumentTypeError(f"register_keras_serializable: expected a class or a function, got {target!r}.")
        full = f"{package}>{name or target.__name__}"
        if inspect.isclass(target) and not hasattr(target, "get_config"):
            raise ArgumentError(
                f"register_keras_serializable: class {target.__name__!r} has no get_config.",
                next="write get_config(self), which returns the arguments that make an equal object, or {}.",
            )
        _registered[full] = target
        _registered_names[target] = full
        return target

    return decorate


def get_registered_name(obj) -> str:
    """The name under which a class or function was registered, else its own name.

    Example:
        >>> get_registered_name(len)
        'len'
    """
    return _registered_name(obj) or getattr(obj, "__name__", str(obj))


def _registered_name(obj) -> str | None:
    # A subclass of Model that is made from tensors is of a class of its own, which has the user's as its base.
    bases = [base for base in getattr(obj, "__mro__", ()) if base.__name__ == obj.__name__] or [obj]
    return next((_registered_names[base] for base in bases if base in _registered_names), None)


def get_registered_object(name: str, custom_objects=None, module_objects=None):
    """What is known by a name: custom objects first, then registered ones, then the given table; None if nothing.

    Example:
        >>> get_registered_object("double", {"double": len}) is len
        True
    """
    for table in (custom_objects or {}, *reversed(_scopes()), _registered, module_objects or {}):
        if name in table:
            return table[name]
    return None


def by_bare_name(name: str):
    """The function that was registered as `package>name`, for files that leave the package out; None if there is none.

    Raises:
        ArgumentError: functions of that name were registered in several packages.
    """
    found = {
        full: thing
        for full, thing in _registered.items()
        if full.rpartition(">")[2] == name and not inspect.isclass(thing)
    }
    if len(found) > 1:
        raise ArgumentError(
            f"the name {name!r} may be any of {sorted(found)}.",
            next=f"say which one is meant: custom_objects={{{name!r}: ...}}.",
        )
    return next(iter(found.values()), None)


@contextlib.contextmanager
def custom_object_scope(custom_objects: dict):
    """Make names known inside a `with` block.

    Example:
        >>> with custom_object_scope({"double": len}):
        ...     get_registered_object("double") is len
        True
    """
    _scopes().append(dict(custom_objects or {}))
    try:
        yield
    finally:
        _scopes().pop()


def get_custom_objects() -> dict:
    """The table of registered objects, by `package>name`.

    Example:
        >>> @register_keras_serializable(package="doc", name="half")
        ... def half(x):
        ...     return x / 2
        >>> get_custom_objects()["doc>half"] is half
        True
    """
    return _registered


def serialize_keras_object(obj):
    """A dict of plain values that `deserialize_keras_object` turns back into the object.

    Raises:
        ArgumentTypeError: the object is a lambda, or has no `get_config`.

    Example:
        >>> from nbkeras import regularizers
        >>> serialize_keras_object(regularizers.L2(0.1))["config"]
        {'l2': 0.1}
    """
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return obj
    if isinstance(obj, (list, tuple)):
        return [serialize_keras_object(part) for part in obj]
    if isinstance(obj, dict):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, slice):
        return {"class_name": "__slice__", "config": {end: serialize_keras_object(getattr(obj, end)) for end in SLICE}}
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode()}}
    if hasattr(obj, "get_config"):
        entry = {
            "module": _module(type(obj)),
            "class_name": type(obj).__name__,
            "config": _plain(obj.get_config()),
            "registered_name": _registered_name(type(obj)),
        }
        build_config = obj.get_build_config() if hasattr(obj, "get_build_config") else None
        return entry if build_config is None else {**entry, "build_config": build_config}
    if callable(obj):
        return _function_config(obj)
    if hasattr(obj, "item") and getattr(obj, "ndim", 1) == 0:
        return obj.item()
    if hasattr(obj, "tolist"):
        return {"class_name": "__numpy__", "config": {"value": obj.tolist(), "dtype": str(obj.dtype)}}
    raise ArgumentTypeError(f"serialize: {obj!r} of type {type(obj).__name__} has no get_config.")


def _plain(config):
    """A configuration whose functions, layers and arrays are plain values too; a lambda stays, for copies in memory."""
    return {
        key: value if getattr(value, "__name__", "") == "<lambda>" else serialize_keras_object(value)
        for key, value in config.items()
    }


def _function_config(function):
    """The name of a function that ships; of another one a dict, so that it is never mistaken for one that ships."""
    name = get_registered_name(function)
    if _ships(function):
        return name
    if name == "<lambda>":
        raise ArgumentTypeError(
            "serialize: a lambda cannot be saved: files hold no code.",
            next="write a function with a name, and pass it as custom_objects when loading.",
        )
    return {"module": function.__module__, "class_name": "function", "config": name, "registered_name": name}


def _ships(target) -> bool:
    """Whether a class or function is a part of nbkeras."""
    return str(getattr(target, "__module__", "")).split(".")[0] == "nbkeras"


def _module(cls) -> str:
    """The Keras name of the family that a class belongs to, so that Keras finds it too."""
    if "KERAS_MODULE" in vars(cls):
        return cls.KERAS_MODULE
    parts = cls.__module__.split(".")
    if parts[:3] == ["nbkeras", "optimizers", "schedules"]:
        return "keras.optimizers.schedules"
    return f"keras.{parts[1]}" if parts[0] == "nbkeras" and len(parts) > 1 else cls.__module__


def deserialize(identifier, known: dict, kind: str, custom_objects=None):
    """An object from its name, its configuration, or itself.

    Args:
        identifier: None, a name, `{"class_name", "config"}`, a class, or an object.
        known: the family's table: name -> class or function.
        kind: the family's word for messages, such as 'optimizer'.

    Raises:
        ArgumentError: the name is unknown; the message suggests the nearest.
    """
    if isinstance(identifier, dict):
        return _from_dict(identifier, known, kind, custom_objects)
    if isinstance(identifier, str):
        found = get_registered_object(identifier, custom_objects, known) or by_bare_name(identifier)
        if found is None:
            raise ArgumentError(
                f"unknown {kind} {identifier!r}; {nearest(identifier, known)}",
                next=f"use one of these names, or pass the {kind} itself.",
            )
        return found() if inspect.isclass(found) else found
    if inspect.isclass(identifier):
        return identifier()
    return identifier


def _from_dict(entry: dict, known: dict, kind: str, custom_objects):
    name, config = entry.get("class_name"), entry.get("config")
    if name == "function":
        name = config
    if not isinstance(name, str) or not isinstance(config, (dict, str, type(None))):
        raise ArgumentTypeError(
            f"{kind}: expected a dict with 'class_name' and 'config', got one with {sorted(entry)[:5]}."
        )
    # A user's class is never taken for one of the same name that ships.
    module, registered = str(entry.get("module") or "keras"), entry.get("registered_name")
    table = known if module.split(".")[0] in ("keras", "tensorflow", "builtins") else {}
    found = get_registered_object(registered, custom_objects) if isinstance(registered, str) else None
    if found is None and name in table and registered and registered not in (name, "function"):
        raise ArgumentError(
            f"{kind} {name!r}: its registered name is {str(registered)[:100]!r}, which nobody registered.",
            next=f"if it is your own, pass custom_objects={{{str(registered)[:100]!r}: ...}} or register it.",
        )
    found = found or get_registered_object(name, custom_objects, table) or by_bare_name(name)
    if found is None:
        raise ArgumentError(
            f"unknown {kind} {name[:100]!r}; {nearest(name[:100], known)}",
            next=f"if it is your own, pass custom_objects={{{name[:100]!r}: ...}} or register it.",
        )
    if not inspect.isclass(found) or entry.get("class_name") == "function":
        return found
    if isinstance(config, str):
        raise ArgumentError(f"{kind} {name!r}: its configuration is {config[:50]!r}, not a dict.")
    with custom_object_scope(custom_objects or {}):
        return _make(found, with_arrays(config or {}), kind)


def with_arrays(config: dict) -> dict:
    """A configuration whose described arrays are arrays."""
    return {key: array(value) for key, value in config.items()}


def array(value):
    """The array that Keras describes as a value and a dtype; anything else as it is."""
    if not isinstance(value, dict) or value.get("class_name") not in ("__numpy__", "__tensor__"):
        return value
    described = value.get("config")
    try:
        return np.asarray(described["value"], standardize_dtype(described["dtype"]))
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise ArgumentError(f"an array in a configuration cannot be read: {error}.") from error


def _make(cls, config, kind: str):
    """An object of a class from its configuration."""
    with usable(cls, kind):
        return cls.from_config(config) if hasattr(cls, "from_config") else cls(**config)


@contextlib.contextmanager
def usable(cls, kind: str):
    """Inside, an object of a class is made from a configuration: what is wrong in it is one error for all that ships.

    Args:
        cls: the class; errors of a user's own stay as they are.
        kind: the family's word for messages, such as 'optimizer'.

    Raises:
        ArgumentError: the configuration cannot be used, with the cause.
    """
    try:
        yield
    except NbkerasError:
        raise
    except Exception as error:
        if not _ships(cls):
            raise
        raise ArgumentError(
            f"the configuration of {kind} {cls.__name__!r} cannot be used: {error}.",
            next="it may come from another version; compare it with get_config() of an object made here.",
        ) from error
