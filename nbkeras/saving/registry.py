"""Objects as configurations: the one place that turns a class into a dict and a dict back into an object.

Classes are found by exact name in closed tables: the table of a family, then what the caller registered or passed as
custom objects. A configuration can never name a module or run code.
"""

from __future__ import annotations

import contextlib
import inspect
import threading

from nbkeras.errors import ArgumentError, ArgumentTypeError, nearest

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
        ... class Thing: pass
        >>> get_registered_name(Thing)
        'doc>Thing'
    """

    def decorate(target):
        full = f"{package}>{name or target.__name__}"
        if inspect.isclass(target) and not hasattr(target, "get_config"):
            target.get_config = lambda self: {}
        _registered[full] = target
        _registered_names[target] = full
        return target

    return decorate


def get_registered_name(target) -> str:
    """The name under which a class or function was registered, else its own name."""
    return _registered_names.get(target, getattr(target, "__name__", str(target)))


def get_registered_object(name: str, custom_objects=None, module_objects=None):
    """What is known by a name: custom objects first, then registered ones, then the given table; None if nothing."""
    for table in (custom_objects or {}, *reversed(_scopes()), _registered, module_objects or {}):
        if name in table:
            return table[name]
    return None


@contextlib.contextmanager
def custom_object_scope(custom_objects: dict):
    """Make names known inside a `with` block."""
    _scopes().append(dict(custom_objects))
    try:
        yield
    finally:
        _scopes().pop()


def get_custom_objects() -> dict:
    """The table of registered objects."""
    return _registered


def serialize_keras_object(target):
    """A dict of plain values that `deserialize_keras_object` turns back into the object."""
    if target is None or isinstance(target, (bool, int, float, str)):
        return target
    if isinstance(target, (list, tuple)):
        return [serialize_keras_object(part) for part in target]
    if isinstance(target, dict):
        return {key: serialize_keras_object(value) for key, value in target.items()}
    if hasattr(target, "get_config"):
        entry = {
            "module": _module(type(target)),
            "class_name": type(target).__name__,
            "config": target.get_config(),
            "registered_name": _registered_names.get(type(target)),
        }
        build_config = target.get_build_config() if hasattr(target, "get_build_config") else None
        return entry if build_config is None else {**entry, "build_config": build_config}
    if callable(target):
        return get_registered_name(target)
    if hasattr(target, "item") and getattr(target, "ndim", 1) == 0:
        return target.item()
    if hasattr(target, "tolist"):
        return target.tolist()
    raise ArgumentTypeError(f"serialize: {target!r} of type {type(target).__name__} has no get_config.")


def _module(cls) -> str:
    """The Keras name of the family that a class belongs to, so that Keras finds it too."""
    if "KERAS_MODULE" in vars(cls):
        return cls.KERAS_MODULE
    parts = cls.__module__.split(".")
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
        name, config = identifier.get("class_name"), identifier.get("config")
        found = get_registered_object(identifier.get("registered_name") or "", custom_objects)
        found = found or get_registered_object(name, custom_objects, known)
        if isinstance(config, str) and found is None:
            name, found = config, get_registered_object(config, custom_objects, known)
        if found is None:
            raise ArgumentError(f"unknown {kind} {name!r}; {nearest(str(name), known)}")
        if inspect.isclass(found):
            return found.from_config(config or {}) if hasattr(found, "from_config") else found(**(config or {}))
        return found
    if isinstance(identifier, str):
        found = get_registered_object(identifier, custom_objects, known)
        if found is None:
            raise ArgumentError(
                f"unknown {kind} {identifier!r}; {nearest(identifier, known)}",
                next=f"use one of these names, or pass the {kind} itself.",
            )
        return found() if inspect.isclass(found) else found
    if inspect.isclass(identifier):
        return identifier()
    return identifier
