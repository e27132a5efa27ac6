"""The parts of a model that have state, each with its path in a file, in the order and with the names that Keras uses.

Paths come from attributes and class names (`layers/dense_1`), never from the names of layers, which depend on what the
process made before.
"""

from __future__ import annotations

from collections.abc import Iterator

from nbkeras.naming import to_snake_case

#: Attributes of all models that hold layers a second time.
_OPERATIONS = ("operations",)


def states(root) -> Iterator[tuple[str, object]]:
    """Every layer and optimizer in a model or layer, itself first, each once: pairs of path and object.

    Args:
        root: a model, layer or optimizer.

    Example:
        >>> import nbkeras as keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3), keras.layers.Dense(1)])
        >>> [path for path, _ in states(model)]
        ['', 'layers/dense', 'layers/dense_1']
    """
    yield from _visit(root, "", set())


def _visit(thing, path: str, seen: set) -> Iterator[tuple[str, object]]:
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if hasattr(thing, "save_own_variables"):
        yield path, thing
    for name, child in _attributes(thing):
        below = f"{path}/{name}" if path else name
        if is_saveable(child):
            yield from _visit(child, below, seen)
        elif isinstance(child, (list, tuple, dict)):
            yield from _visit_container(child, below, seen, set())


def _visit_container(container, path: str, seen: set, open_containers: set) -> Iterator[tuple[str, object]]:
    if id(container) in open_containers:
        return
    open_containers.add(id(container))
    counts: dict[str, int] = {}
    for item in container.values() if isinstance(container, dict) else container:
        if is_saveable(item):
            name = _numbered(to_snake_case(type(item).__name__), counts)
            yield from _visit(item, f"{path}/{name}", seen)
        elif isinstance(item, (list, tuple, dict)):
            name = _numbered("container", counts)
            yield from _visit_container(item, f"{path}/{name}", seen, open_containers)


def _numbered(name: str, counts: dict) -> str:
    number = counts.get(name, -1) + 1
    counts[name] = number
    return f"{name}_{number}" if number else name


def is_saveable(thing) -> bool:
    """Whether Keras looks into a thing for state: layers, optimizers, losses and metrics."""
    from nbkeras.layers.layer import Layer
    from nbkeras.losses.loss import Loss
    from nbkeras.metrics.metric import Metric
    from nbkeras.optimizers.optimizer import Optimizer

    return isinstance(thing, (Layer, Optimizer, Loss, Metric))


def _attributes(thing) -> Iterator[tuple[str, object]]:
    """Attributes that may hold state: those that not every thing of its kind has, private ones last."""
    from nbkeras.layers.layer import Layer
    from nbkeras.models.functional import Functional
    from nbkeras.models.sequential import Sequential
    from nbkeras.optimizers.loss_scale import LossScaleOptimizer

    if isinstance(thing, LossScaleOptimizer):
        yield "inner_optimizer", thing.inner_optimizer
    if not isinstance(thing, Layer):
        return
    if isinstance(thing, (Functional, Sequential)):
        yield "layers", thing.layers
    skipped = {*_attributes_of_every_layer(), *_OPERATIONS}
    for name in sorted(dir(thing), key=lambda name: (name.startswith("_"), name)):
        if name.startswith(("__", "_untracked")) or name in skipped:
            continue
        try:
            child = getattr(thing, name)
        except Exception:
            continue  # A property may have no value yet; then it holds no state either.
        yield name, child


_of_every_layer: set[str] = set()


def _attributes_of_every_layer() -> set[str]:
    if not _of_every_layer:
        from nbkeras.layers.layer import Layer

        _of_every_layer.update(dir(Layer(name="any")))
    return _of_every_layer
