"""Compiling what a model needs before it is needed."""

from __future__ import annotations

import copy

import numpy as np

from nbkeras import tree
from nbkeras.errors import ArgumentError, NbkerasError
from nbkeras.kernels.compilation import COMPILED


def warmup(model, shapes, labels=None) -> dict[tuple[str, str], float]:
    """Compile all kernels that a model's `fit`, `evaluate` and `predict` need, and keep them in the cache.

    A copy of the model is trained for one step on zeros; the model itself, its weights and its seeds stay as they are.
    Run it where a compiler's seconds don't matter, such as once before a job of many processes: they load what is in
    the cache.

    Args:
        model: compiled with an optimizer and a loss, or not: then only what `predict` needs is compiled.
        shapes: of a batch of its input, such as (32, 784), or a list or dictionary of shapes for several inputs.
        labels: a batch of them, if zeros of the outputs' shapes or class indices would not do for its loss.

    Returns:
        The seconds of each kernel that had to be compiled, by its name and dtype.

    Raises:
        ArgumentError: `shapes` has no whole shapes.

    Example:
        >>> import nbkeras as keras
        >>> model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3, activation="softmax")])
        >>> model.compile("adam", "sparse_categorical_crossentropy")
        >>> compiled = keras.warmup(model, (32, 8))
        >>> keras.warmup(model, (32, 8))
        {}
    """
    x = _zeros(shapes, getattr(model, "inputs", None) or [])
    trial = copy.deepcopy(model)
    known = set(COMPILED)
    rows = len(tree.flatten(x)[0])
    outputs = trial.predict(x, batch_size=rows, verbose=0)
    if trial.compiled:
        _train(trial, x, outputs, labels, rows)
    return {kernel: seconds for kernel, seconds in COMPILED.items() if kernel not in known}


def _zeros(shapes, inputs):
    """Arrays of zeros for a model's inputs, of their dtypes; a shape is a list or tuple of numbers."""
    if isinstance(shapes, dict):
        named = {tensor.name: tensor for tensor in inputs}
        if not set(shapes) <= set(named):  # inputs made as a dictionary stand in the order of its keys
            named = dict(zip(sorted(shapes), inputs, strict=False))
        return {name: _zeros(shape, [named[name]] if name in named else []) for name, shape in shapes.items()}
    parts = shapes if isinstance(shapes, (list, tuple)) else ()
    if parts and all(isinstance(n, (int, np.integer)) for n in parts):
        return np.zeros(shapes, inputs[0].dtype if inputs else "float32")
    if not parts or not all(isinstance(shape, (list, tuple)) for shape in parts):
        raise ArgumentError(
            f"warmup: expected the shape of a batch, or a list or dictionary of shapes, got {shapes!r}.",
            next="write (32, 784) for 32 rows of 784 features.",
        )
    if not inputs:
        return [_zeros(shape, []) for shape in shapes]
    return [_zeros(shape, [tensor]) for shape, tensor in zip(shapes, inputs, strict=True)]


def _train(trial, x, outputs, labels, rows) -> None:
    tries = [labels] if labels is not None else [
        tree.map_structure(np.zeros_like, outputs),
        tree.map_structure(lambda output: np.zeros(output.shape[:-1], "int32"), outputs),  # class indices
    ]  # fmt: skip
    for left, y in zip(reversed(range(len(tries))), tries, strict=True):
        try:
            trial.fit(x, y, batch_size=rows, epochs=1, validation_data=(x, y), verbose=0)
            return
        except NbkerasError:
            if not left:
                raise
