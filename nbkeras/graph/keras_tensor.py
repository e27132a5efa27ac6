"""Keras tensors: the placeholders of functional models, and the record of what was called on them."""

from __future__ import annotations

import itertools
import math
import re

from nbkeras import tree
from nbkeras.errors import ArgumentError, ArgumentTypeError, NbkerasError
from nbkeras.graph import trace
from nbkeras.graph.dtypes import standardize_dtype
from nbkeras.graph.masks import get_mask, with_mask
from nbkeras.graph.symbol import Operators, Symbol
from nbkeras.naming import auto_name

#: Unknown axes are tried with two sizes: an axis of a result that comes out different is unknown too.
TRIAL_SIZES = (83, 89)

#: Functions whose result is as long as was asked for, or as there is: a short axis is tried as well.
CLIPPED = frozenset({"getitem", "get_item", "diag", "diagonal"})
SHORT_SIZE = 2

#: How many ways of choosing unknown lengths are tried before a function of `ops` is said not to fit its inputs.
MOST_CHOICES = 256


class KerasTensor(Operators):
    """A tensor without a value: a shape in which axes may be None, a dtype, and the call that makes it.

    Attributes:
        history: `(call, index)`: the OperationCall and which of its outputs this is; None for `Input` until a call
            is recorded.

    Example:
        >>> import nbkeras as keras
        >>> x = keras.Input((3,))
        >>> y = keras.layers.Dense(2)(x) + 1.0
        >>> y.shape, y.dtype
        ((None, 2), 'float32')
    """

    def __init__(self, shape, dtype="float32", sparse=False, ragged=False, name=None, history=None):
        try:
            self.shape = tuple(shape)
        except TypeError:
            raise ArgumentError(
                f"KerasTensor: a shape must be a tuple of whole numbers and None, got {shape!r}.",
                next=f"for a vector write ({shape!r},).",
            ) from None
        self.dtype = standardize_dtype(dtype)
        self.sparse = sparse
        self.ragged = ragged
        self.name = name or auto_name("keras_tensor")
        self.history = history

    def __repr__(self):
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, sparse={self.sparse}, name={self.name}>"

    def __eq__(self, other):
        # As in Keras a placeholder equals itself alone, so that lists of them can be searched and compared.
        return self is other if isinstance(other, KerasTensor) else super().__eq__(other)

    __hash__ = Operators.__hash__

    def _no_value(self, *_, error=ArgumentTypeError):
        raise error(
            f"{self!r} has no value: it is a placeholder of a functional model.",
            next="build a Model from it and call that, or use nbkeras.ops on it.",
        )

    def _no_number(self, *_, **__):
        self._no_value(error=ArgumentError)

    __index__ = __bool__ = _no_value
    __float__ = __int__ = __array__ = numpy = _no_number


class OperationCall:
    """One call on Keras tensors: of a layer, a model, or a function of `ops`.

    Args:
        operation: a callable with a `name`.
        args, kwargs: as given, Keras tensors inside.
        outputs: the structure of Keras tensors that it gives.
    """

    def __init__(self, operation, args, kwargs, outputs):
        self.operation = operation
        self.args = args
        self.kwargs = kwargs
        self.outputs = outputs
        self.inputs = [leaf for leaf in tree.flatten((list(args), kwargs)) if isinstance(leaf, KerasTensor)]
        for index, leaf in enumerate(tree.flatten(outputs)):
            if isinstance(leaf, KerasTensor):
                leaf.history = (self, index)


def any_keras_tensor(args, kwargs) -> bool:
    """True if a Keras tensor is among the arguments, at any depth."""
    return any(isinstance(leaf, KerasTensor) for leaf in tree.flatten((list(args), kwargs)))


def infer(function, args, kwargs):
    """What a function gives for Keras tensors: it is traced on symbols, unknown axes with two trial sizes each.

    Returns:
        The structure of results, as Keras tensors without history (leaves that are no tensors stay as they are).
    """
    unknown = _unknown_axes(args, kwargs)
    try:
        sizes = TRIAL_SIZES if unknown else TRIAL_SIZES[:1]
        return _merged([_trial(function, args, kwargs, size) for size in sizes])
    except NbkerasError as error:
        if unknown:
            error.args = (_without_sizes(str(error), function, args, kwargs),)
        raise


def infer_fitting(function, args, kwargs):
    """As `infer`, for one function alone: unknown lengths are whatever makes it work.

    An array (None, 3) plus one (2, None) can only be one (2, 3); a row of None values in groups of 4 has a length
    that 4 divides. A layer or model isn't searched so: what it computes has to work for any length.
    """
    try:
        outputs = infer(function, args, kwargs)
    except NbkerasError:
        results = _search(function, args, kwargs)
        if results is None:
            raise
        return _merged(results)
    if function.__name__ not in CLIPPED or not _unknown_axes(args, kwargs):
        return outputs
    try:
        short = _trial(function, args, kwargs, SHORT_SIZE)
    except (NbkerasError, ValueError, IndexError):
        return outputs
    return _merged([outputs, short])


def _keras_tensors(args, kwargs):
    return [leaf for leaf in tree.flatten((list(args), kwargs)) if isinstance(leaf, KerasTensor)]


def _unknown_axes(args, kwargs):
    """The axes of unknown length, each `(id of its tensor, axis)`."""
    return [(id(x), i) for x in _keras_tensors(args, kwargs) for i, n in enumerate(x.shape) if n is None]


def _search(function, args, kwargs):
    """Results for lengths that fit: each is free, or a number in the call or in another's shape; None if none do."""
    tensors = {id(x): x for x in _keras_tensors(args, kwargs)}
    numbers = {n for n in tree.flatten((list(args), kwargs)) if type(n) is int and n > 0}
    unknown = list(dict.fromkeys(_unknown_axes(args, kwargs)))
    step = math.lcm(*numbers, *(n for x in tensors.values() for n in x.shape if n))
    step = step if step < 10_000 else 1
    candidates = []
    for key, _ in unknown:
        lengths = numbers | {n for other, x in tensors.items() if other != key for n in x.shape if n}
        candidates.append([None, *sorted(lengths)])
    for choice in itertools.islice(itertools.product(*candidates), MOST_CHOICES):
        chosen = {axis: n for axis, n in zip(unknown, choice, strict=True) if n}
        try:
            return [_trial(function, args, kwargs, size * step, chosen) for size in TRIAL_SIZES]
        except (NbkerasError, ValueError, IndexError):
            continue
    return None


def _merged(results):
    """Keras tensors for what several trials gave: an axis whose length differs among them is unknown."""

    def merge(*leaves):
        first = leaves[0]
        if not isinstance(first, (Symbol, KerasTensor)):
            return first
        shapes = zip(*(leaf.shape for leaf in leaves), strict=True)
        shape = [column[0] if len(set(column)) == 1 else None for column in shapes]
        masks = [mask for mask in map(get_mask, leaves) if mask is not None]
        return with_mask(KerasTensor(shape, first.dtype), merge(*masks) if masks else None)

    return tree.map_structure(merge, *results)


def _without_sizes(message, function, args, kwargs) -> str:
    """The message of a trial that failed; numbers that another trial size changes are unknown, so None."""
    others = []
    for size in TRIAL_SIZES:
        try:
            _trial(function, args, kwargs, size)
        except NbkerasError as error:
            others.append(re.findall(r"\d+|\D+", str(error)))
    pieces = re.findall(r"\d+|\D+", message)
    if not all(len(other) == len(pieces) for other in others):
        return message
    same = (len(set(column)) == 1 for column in zip(*others, strict=True))
    return "".join(piece if equal or not piece.isdigit() else "None" for piece, equal in zip(pieces, same, strict=True))


def _trial(function, args, kwargs, size, chosen=None):
    """The function's results on symbols; unknown axes have the size, but for those of `chosen`."""
    with trace.Graph() as graph:

        def concrete(leaf):
            shape = [(chosen or {}).get((id(leaf), i), size) if n is None else n for i, n in enumerate(leaf.shape)]
            return graph.input(shape, leaf.dtype, leaf.name)

        def stand_in(leaf):
            if not isinstance(leaf, KerasTensor):
                return leaf
            mask = get_mask(leaf)
            return with_mask(concrete(leaf), None if mask is None else concrete(mask))

        args = [tree.map_structure(stand_in, a) for a in args]
        kwargs = {k: tree.map_structure(stand_in, v) for k, v in kwargs.items()}
        return function(*args, **kwargs)


#: Functions whose class in Keras has another name than theirs.
NAMES = {"getitem": "get_item", "swish": "silu", "hard_swish": "hard_silu"}


class Function:
    """A function of `ops` as an operation of a functional model.

    Args:
        function: the function.
        name: numbered as Keras numbers it by default: add, add_1, ...
    """

    def __init__(self, function, name=None):
        self.function = function
        self.name = name or auto_name(NAMES.get(function.__name__, function.__name__))

    def __call__(self, *args, **kwargs):
        """The function's result; on Keras tensors the call is remembered as one of this operation."""
        if not any_keras_tensor(args, kwargs):
            return self.function(*args, **kwargs)
        outputs = infer_fitting(self.function, args, kwargs)
        OperationCall(self, args, kwargs, outputs)
        return outputs


def record(function, args, kwargs):
    """Call a function of `ops` on Keras tensors: infer the result and remember the call."""
    return Function(function)(*args, **kwargs)
