"""Any object from its configuration: the families' tables, one after another, that of the named module first."""

from __future__ import annotations

from nbkeras.errors import ArgumentError, nearest
from nbkeras.saving import registry

#: What Keras writes for values that JSON does not have.
_VALUES = {
    "__bytes__": lambda value: value["value"].encode(),
    "__slice__": lambda value: slice(*(registry.array(value[end]) for end in registry.SLICE)),
    "__ellipsis__": lambda value: Ellipsis,
}


def deserialize_keras_object(config, custom_objects=None, safe_mode=True, **kwargs):
    """What `serialize_keras_object` described.

    Args:
        config: plain values; dicts with `class_name` become objects.
        custom_objects: name -> class or function, for objects of one's own.
        safe_mode: accepted as Keras has it; configurations never carry code.

    Raises:
        ArgumentError: a class is not known, or its configuration cannot be used.

    Example:
        >>> from nbkeras import layers
        >>> deserialize_keras_object(registry.serialize_keras_object(layers.Dense(3, name="mine")))
        <Dense name=mine, built=False>
    """
    with registry.custom_object_scope(custom_objects or {}):
        return _object(config)


def _object(config):
    if isinstance(config, (list, tuple)):
        return type(config)(_object(part) for part in config)
    if not isinstance(config, dict):
        return config
    if "class_name" not in config or "config" not in config:
        return {key: _object(part) for key, part in config.items()}
    name = config["class_name"]
    if name in ("__numpy__", "__tensor__"):
        return registry.array(config)
    if isinstance(name, str) and name in _VALUES:
        try:
            return _VALUES[name](config["config"])
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise ArgumentError(f"the configuration of a {name.strip('_')} cannot be used: {error}.") from error
    if name == "__keras_tensor__":
        return _keras_tensor(config["config"])
    return _from_families(config)


def _keras_tensor(described):
    from nbkeras.graph.keras_tensor import KerasTensor

    try:
        return KerasTensor(tuple(described["shape"]), described["dtype"])
    except (TypeError, KeyError) as error:
        raise ArgumentError(f"the configuration of a Keras tensor cannot be used: {error}.") from error


def _from_families(config: dict):
    from nbkeras.layers import lookup as layers

    family = _family(config)
    if family is not None:
        return family[1](config)
    name = config["config"] if config["class_name"] == "function" else config["class_name"]
    own = _is_own(config, name) or (isinstance(name, str) and registry.by_bare_name(name) is not None)
    found = registry.deserialize(config, {}, "object") if own else None
    if found is None:
        raise ArgumentError(
            f"unknown object {str(name)[:100]!r}; {nearest(str(name)[:100], layers.known())}",
            next=f"if it is your own, pass custom_objects={{{str(name)[:100]!r}: ...}} or register it.",
        )
    if hasattr(found, "build_from_config") and config.get("build_config"):
        found.build_from_config(config["build_config"])
    return found


def _is_own(config, name) -> bool:
    """Whether the caller registered a class or function of these names."""
    names = [n for n in (config.get("registered_name"), name) if isinstance(n, str)]
    return any(registry.get_registered_object(n) is not None for n in names)


def _family(config: dict):
    """The table and the `deserialize` of the family that a configuration belongs to; None if to none that ships."""
    from nbkeras import dtype_policies
    from nbkeras.activations import lookup as activations
    from nbkeras.constraints import lookup as constraints
    from nbkeras.initializers import lookup as initializers
    from nbkeras.layers import lookup as layers
    from nbkeras.losses import lookup as losses
    from nbkeras.metrics import lookup as metrics
    from nbkeras.optimizers import lookup as optimizers
    from nbkeras.optimizers.schedules import lookup as schedules
    from nbkeras.random.seed_generator import SeedGenerator
    from nbkeras.regularizers import lookup as regularizers

    name = config["config"] if config["class_name"] == "function" else config["class_name"]
    module = str(config.get("module") or "keras").split(".")
    if module[0] not in ("keras", "builtins") or not isinstance(name, str) or _is_own(config, name):
        return None
    generators = {"SeedGenerator": SeedGenerator}
    families = {
        "layers": (layers.known(), layers.deserialize),
        "schedules": (schedules.KNOWN, schedules.deserialize),
        "random": (generators, lambda entry: registry.deserialize(entry, generators, "seed generator")),
        "dtype_policies": ({"DTypePolicy": dtype_policies.DTypePolicy}, dtype_policies.deserialize),
        **{
            family.__name__.split(".")[1]: (family.KNOWN, family.deserialize)
            for family in (optimizers, losses, metrics, initializers, regularizers, constraints, activations)
        },
    }
    named = [families[part] for part in reversed(module) if part in families]
    return next((family for family in [*named, *families.values()] if name in family[0]), None)
