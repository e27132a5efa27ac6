"""Conversions, shapes, gradients stopped, and control flow with static bounds."""

from __future__ import annotations

import re

import numpy as np

from nbkeras import device, tree
from nbkeras.errors import ArgumentError, ArgumentTypeError
from nbkeras.graph import keras_tensor, trace
from nbkeras.graph.keras_tensor import KerasTensor
from nbkeras.graph.symbol import Symbol
from nbkeras.ops import elementwise, shaping
from nbkeras.ops.common import FUNCTIONS, dtype_name, emit, filled, op, promote, standardize_dtype, tensor


@op
def convert_to_tensor(x, dtype=None, sparse=None, ragged=None):
    """A tensor of a number, list, array or variable.

    Example:
        >>> convert_to_tensor([1.5, 2]).dtype
        dtype('float32')
    """
    return tensor(x, None if dtype is None else standardize_dtype(dtype))


def convert_to_numpy(x):
    """A NumPy array of one's own with a tensor's or variable's values.

    Example:
        >>> from nbkeras import Variable
        >>> convert_to_numpy(Variable([1.0, 2.0]))
        array([1., 2.], dtype=float32)
    """
    if hasattr(x, "assign") or isinstance(x, KerasTensor):
        return x.numpy()
    backend = device.backend()
    return np.array(backend.to_host(x) if isinstance(x, backend.array) else x)


def shape(x) -> tuple:
    """The shape, a tuple; unknown axes of a Keras tensor are None.

    Example:
        >>> from nbkeras import Input
        >>> shape([[1.0, 2.0]]), shape(Input((3,)))
        ((1, 2), (None, 3))
    """
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def size(x):
    """The number of values; of a Keras tensor a Keras tensor.

    Example:
        >>> size([[1.0, 2.0, 3.0]])
        3
    """
    if isinstance(x, KerasTensor):
        return keras_tensor.record(_count, (x,), {})
    return int(np.prod(shape(x), dtype=np.int64))


def _count(x):
    return filled((), size(x), "int32")


_count.__name__ = "size"
FUNCTIONS["size"] = _count


def dtype(x) -> str:
    """The name of the dtype.

    Example:
        >>> dtype(1.0), dtype([True])
        ('float32', 'bool')
    """
    return dtype_name(tensor(x).dtype)


@op
def stop_gradient(variable):
    """The same values, through which no gradient flows.

    Example:
        >>> from nbkeras import grad
        >>> grad(lambda x: x * stop_gradient(x))(3.0)
        array(3., dtype=float32)
    """
    x = tensor(variable)
    return emit("stop_gradient", x) if isinstance(x, Symbol) else x


def cond(pred, true_fn, false_fn):
    """true_fn() if the predicate holds, else false_fn().

    While a model is traced, both are computed and one result is chosen; variables get the values that the chosen one
    gives them.

    Args:
        pred: a boolean.
        true_fn, false_fn: functions without arguments, of tensors or structures that agree in shape and dtype.

    Example:
        >>> cond(True, lambda: 1.0, lambda: 2.0)
        1.0
    """
    if isinstance(pred, KerasTensor):
        return tree.map_structure(lambda a, b: elementwise.where(pred, a, b), true_fn(), false_fn())
    pred = pred.current if hasattr(pred, "assign") else pred
    if not _unknown(pred):
        return true_fn() if bool(pred) else false_fn()
    return _chosen(tensor(pred, "bool"), true_fn, false_fn)


FUNCTIONS["cond"] = cond


def _unknown(x) -> bool:
    """True for a symbol without a value."""
    return isinstance(x, Symbol) and not trace.current().live


def _chosen(pred, true_fn, false_fn):
    """Both branches, each from the same state of variables; the results and states of one are chosen."""
    graph = trace.current()
    start, results, states = graph.values, [], []
    for branch in (true_fn, false_fn):
        graph.values = dict(start)
        results.append(branch())
        states.append(graph.values)
    graph.values = dict(start)
    for variable in dict.fromkeys([*states[0], *states[1]]):
        before = graph.read(variable)
        yes, no = (state.get(variable, before) for state in states)
        if yes is not no:
            graph.values[variable] = emit("where", pred, yes, no)
        else:
            graph.values[variable] = yes
    return tree.map_structure(lambda a, b: emit("where", pred, *promote(a, b)), *results)


def scan(f, init, xs=None, length=None, reverse=False, unroll=1):
    """Run `f(carry, x) -> (carry, y)` over the first axis; returns the last carry and the stacked ys.

    Args:
        xs: a tensor or structure of tensors (T, ...), or None with a `length`.
        reverse: begin at the end; the ys keep the order of the xs.
        unroll: accepted as Keras has it.

    Example:
        >>> import numpy as np
        >>> total, totals = scan(lambda total, x: (total + x, total + x), np.float32(0), np.array([1, 2, 3], "float32"))
        >>> total, totals
        (np.float32(6.0), array([1., 3., 6.], dtype=float32))
    """
    if not isinstance(unroll, int) or (unroll < 1 and unroll is not False):
        raise ArgumentError(f"scan: unroll must be True, False or a whole number from 1 on, got {unroll!r}.")
    if not callable(f):
        raise ArgumentTypeError(f"scan: expected a function, got {f!r}.")
    if any(isinstance(leaf, KerasTensor) and leaf.shape[0] is None for leaf in tree.flatten(xs)):
        return keras_tensor.record(scan, (f, init, xs, length, reverse, unroll), {})
    lengths = {leaf.shape[0] for leaf in tree.flatten(xs)} if xs is not None else {length}
    if length is not None:
        lengths.add(length)
    if len(lengths) != 1 or None in lengths:
        raise ArgumentError(
            f"scan: expected one known length, of xs or as `length`, got {sorted(str(n) for n in lengths)}.",
            next="give xs whose first axes are equally long, or a length.",
        )
    (length,) = lengths
    carry, ys = init, []
    for i in range(length)[::-1] if reverse else range(length):
        carry, y = f(carry, None if xs is None else tree.map_structure(lambda v, i=i: tensor(v)[i], xs))
        ys.append(y)
    if reverse:
        ys.reverse()
    if not ys or ys[0] is None:
        return carry, None
    return carry, tree.map_structure(lambda *parts: shaping.stack(list(parts)), *ys)


FUNCTIONS["scan"] = scan


def fori_loop(lower, upper, body_fun, init_val):
    """Run `value = body_fun(i, value)` for i from lower to upper, without upper; returns the last value.

    Args:
        lower, upper: whole numbers; in a traced model they must not depend on the step.
        init_val: the first value: a tensor or a structure.

    Example:
        >>> fori_loop(0, 3, lambda i, x: 2 * x + i, 1)
        12
    """
    value = init_val
    for i in range(int(lower), int(upper)):
        value = body_fun(i, value)
    return value


def vectorized_map(function, elements):
    """Apply a function to each slice along the first axis and stack the results.

    Example:
        >>> import numpy as np
        >>> vectorized_map(lambda row: row / row.sum(), np.array([[1, 3], [2, 2]], "float32"))
        array([[0.25, 0.75],
               [0.5 , 0.5 ]], dtype=float32)
    """
    n = tree.flatten(elements)[0].shape[0]
    if n is None:
        return keras_tensor.record(vectorized_map, (function, elements), {})
    parts = [function(tree.map_structure(lambda v, i=i: tensor(v)[i], elements)) for i in range(n)]
    return tree.map_structure(lambda *together: shaping.stack(list(together)), *parts)


def map(f, xs):
    """Apply a function to each slice along the first axis and stack the results.

    Example:
        >>> import numpy as np
        >>> map(lambda x: x * x, np.array([1, 2, 3], "float32"))
        array([1., 4., 9.], dtype=float32)
    """
    return vectorized_map(f, xs)


FUNCTIONS["vectorized_map"] = vectorized_map


@op
def switch(index, branches, *operands):
    """The result of the branch of a number, clamped to those there are; while tracing all are computed, as in `cond`.

    Args:
        index: the number.
        branches: functions of the operands.
        operands: what they are called with.

    Example:
        >>> switch(1, [lambda x: x + 1, lambda x: x * 10], 3.0)
        30.0
    """
    if not _unknown(index):
        number = int(convert_to_numpy(index))
        return branches[min(max(number, 0), len(branches) - 1)](*operands)
    index = tensor(index, "int64")

    def of(number):
        branch = branches[number]
        if number == len(branches) - 1:
            return branch(*operands)
        here = emit("less_equal", index, np.int64(number))
        return _chosen(here, lambda: branch(*operands), lambda: of(number + 1))

    return of(0)


def while_loop(cond, body, loop_vars, maximum_iterations=None):
    """Run `loop_vars = body(*loop_vars)` while `cond(*loop_vars)` holds.

    In a traced model a condition on tensors has no value: then `maximum_iterations` must be given, and so many turns
    are computed, of which those count before which the condition always held.

    Args:
        loop_vars: a tensor or structure; the result has the same.
        maximum_iterations: stop after so many.

    Raises:
        ArgumentError: the condition has no value and maximum_iterations is not given.

    Example:
        >>> while_loop(lambda i, x: i < 4, lambda i, x: (i + 1, x * 2), (0, 1))
        (4, 16)
    """
    if maximum_iterations is not None and keras_tensor.any_keras_tensor((loop_vars,), {}):
        return keras_tensor.record(while_loop, (cond, body, loop_vars, maximum_iterations), {})
    nested = isinstance(loop_vars, (list, tuple))
    values, turns = tuple(loop_vars) if nested else (loop_vars,), 0

    def turn(values):
        result = body(*values)
        return tuple(result) if isinstance(result, (list, tuple)) else (result,)

    going = True
    while maximum_iterations is None or turns < maximum_iterations:
        holds = cond(*values)
        if not _unknown(holds) and not isinstance(holds, KerasTensor) and going is True:
            if not bool(holds):
                break
            values = turn(values)
        elif maximum_iterations is None:
            raise ArgumentError(
                "while_loop: the condition has no value while a model is traced.",
                next="pass maximum_iterations: so many turns are computed at most.",
            )
        else:
            going = emit("logical_and", tensor(going, "bool"), tensor(holds, "bool"))
            values = _chosen(going, lambda v=values: turn(v), lambda v=values: v)
        turns += 1
    return type(loop_vars)(values) if nested else values[0]


FUNCTIONS["while_loop"] = while_loop


def associative_scan(f, elems, reverse=False, axis=0):
    """Combine all slices up to each along an axis with a binary associative function of slices.

    Args:
        f: (a, b) -> combined, on tensors or structures as `elems`.
        reverse: from the end instead.

    Example:
        >>> import numpy as np
        >>> associative_scan(lambda a, b: a * b, np.array([1, 2, 3, 4], "float32"))
        array([ 1.,  2.,  6., 24.], dtype=float32)
    """
    leaves = [shaping.moveaxis(leaf, axis, 0) for leaf in tree.flatten(elems)]
    if any(leaf.shape[0] is None for leaf in leaves):
        return keras_tensor.record(associative_scan, (f, elems, reverse, axis), {})
    if len({leaf.shape[0] for leaf in leaves}) != 1:
        raise ArgumentError(
            f"associative_scan: expected tensors of one length along axis {axis}, got shapes "
            f"{[tuple(leaf.shape) for leaf in tree.flatten(elems)]}."
        )
    order = range(leaves[0].shape[0])
    running, results = None, []
    for i in reversed(order) if reverse else order:
        # Slices of length 1, so that functions that look at the axis work.
        part = tree.pack_sequence_as(elems, [shaping.moveaxis(leaf[i : i + 1], 0, axis) for leaf in leaves])
        running = part if running is None else f(running, part)
        results.append(running)
    if reverse:
        results.reverse()
    return tree.map_structure(lambda *parts: shaping.concatenate(list(parts), axis), *results)


FUNCTIONS["associative_scan"] = associative_scan


def vectorize(pyfunc, *, excluded=None, signature=None):
    """A function applied to every value, or every part of a shape, of tensors that broadcast.

    Args:
        pyfunc: takes and gives tensors without axes, or of the shapes in the signature.
        excluded: positions of arguments that are passed as they are.
        signature: such as '(m,n),(n)->(m)': the last axes that a call takes. It is called once a part, so keep these
            few.

    Example:
        >>> import numpy as np
        >>> vectorize(lambda a, b: a + b)(np.array([1, 2], "float32"), np.array([[10], [20]], "float32"))
        array([[11., 12.],
               [21., 22.]], dtype=float32)
    """
    if not callable(pyfunc):
        raise ArgumentError(f"vectorize: expected a callable, got {pyfunc!r}.")
    excluded = set(excluded or ())
    wanted = None if signature is None else signature.replace(" ", "").split("->")[0]
    ranks = (
        None if wanted is None else [len([n for n in g.split(",") if n]) for g in re.findall(r"\(([^)]*)\)", wanted)]
    )

    def call(*args):
        moving = [i for i in range(len(args)) if i not in excluded]
        parts = [tensor(args[i]) for i in moving]
        cores = [0] * len(parts) if ranks is None else ranks
        if len(cores) != len(parts):
            raise ArgumentError(f"vectorize: {len(parts)} arguments for the signature {signature!r}.")
        split = [(p.shape[: len(p.shape) - c], p.shape[len(p.shape) - c :]) for p, c in zip(parts, cores, strict=True)]
        lead = np.broadcast_shapes(*(s for s, _ in split))
        flat = [
            shaping.reshape(shaping.broadcast_to(p, (*lead, *core)), (-1, *core))
            for p, (_, core) in zip(parts, split, strict=True)
        ]

        def one(rows):
            given = list(args)
            for i, row in zip(moving, rows, strict=True):
                given[i] = row
            return pyfunc(*given)

        results = vectorized_map(one, flat)
        return tree.map_structure(lambda r: shaping.reshape(r, (*lead, *r.shape[1:])), results)

    return call
