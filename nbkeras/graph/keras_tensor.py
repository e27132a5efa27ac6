"""Keras tensors: the placeholders of functional models, and the record of what was called on them."""

from __future__ import annotations

import re

from nbkeras import tree
from nbkeras.errors import ArgumentTypeError, NbkerasError
from nbkeras.graph import trace
from nbkeras.graph.dtypes import standardize_dtype
from nbkeras.graph.masks import get_mask, with_mask
from nbkeras.graph.symbol import Operators, Symbol
from nbkeras.naming import auto_name

#: Unknown axes are tried with two sizes: an axis of a result that comes out different is unknown too.
TRIAL_SIZES = (83, 89)


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
        self.shape = tuple(shape)
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

    def _no_value(self, *_):
        raise ArgumentTypeError(
            f"{self!r} has no value: it is a placeholder of a functional model.",
            next="build a Model from it and call that, or use nbkeras.ops on it.",
        )

    __float__ = __int__ = __index__ = __bool__ = __array__ = numpy = _no_value


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
    unknown = any(
        None in leaf.shape for leaf in tree.flatten((list(args), kwargs)) if isinstance(leaf, KerasTensor)
    )
    try:
        results = [_trial(function, args, kwargs, size) for size in (TRIAL_SIZES if unknown else TRIAL_SIZES[:1])]
    except NbkerasError as error:
        if unknown:
            error.args = (_without_sizes(str(error), function, args, kwargs),)
        raise

    def merge(*leaves):
        first = leaves[0]
        if not isinstance(first, Symbol):
            return first
        shape = first.shape
        if len(leaves) > 1:
            shape = [a if a == b else None for a, b in zip(shape, leaves[1].shape, strict=True)]
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


def _trial(function, args, kwargs, size):
    with trace.Graph() as graph:

        def concrete(leaf):
            return graph.input([size if n is None else n for n in leaf.shape], leaf.dtype, leaf.name)

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
        outputs = infer(self.function, args, kwargs)
        OperationCall(self, args, kwargs, outputs)
        return outputs


def record(function, args, kwargs):
    """Call a function of `ops` on Keras tensors: infer the result and remember the call."""
    return Function(function)(*args, **kwargs)
