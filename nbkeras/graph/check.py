"""NBKERAS_CHECK=1: every node of a plan is computed again by its reference in NumPy, and the two are compared."""

from __future__ import annotations

import sys

import numpy as np

from nbkeras.errors import KernelError
from nbkeras.graph.groups import is_group
from nbkeras.graph.primitives import TABLE, factoring, random
from nbkeras.graph.primitives.pooling import window_of, with_depth

#: Rows whose kernel and reference may give different numbers, both right.
NOT_COMPARED = random.NOT_COMPARED | factoring.NOT_COMPARED

#: Relative to the largest value: a kernel may sum in another order than the reference.
TOLERANCE = {"float32": 2e-4, "float64": 1e-9}

#: Sums of products, and what they may be wrong by relative to the sum of the products' sizes: where these cancel, the
#: result is far smaller than what was rounded on the way.
PRODUCTS = ("affine", "matmul", "convolution", "convolution_input", "convolution_kernel")
ROUNDED = {"float32": 1e-6, "float64": 1e-14}


def checked_run(plan) -> None:
    """Run a plan node by node against the reference.

    Raises:
        KernelError: names the first step, kernel and index that differ.
    """
    backend = plan.backend
    plan.checked_runs += 1
    first = 0
    steps = plan.steps
    while first < len(steps):
        node, last = steps[first].node, first + 1
        while last < len(steps) and steps[last].node is node and node is not None:
            last += 1
        if node is None:
            plan.program.run(first, last)
            first = last
            continue
        before = [np.array(backend.to_host(plan.array(s))) for s in node.inputs]
        plan.program.run(first, last)
        backend.wait()
        after = [np.array(backend.to_host(plan.array(s))) for s in node.outputs]
        if not _has_several_results(node):
            _compare(node, steps[first:last], before, after, first)
        _report_nan(plan, node, before, after, first)
        first = last


def _has_several_results(node) -> bool:
    members = node.params["members"] if is_group(node) else [node]
    return any(m.primitive.name in NOT_COMPARED for m in members)


def _compare(node, steps, before, after, number):
    with np.errstate(all="ignore"):
        expected = node.primitive.reference(*before, **node.params)
    expected = expected if isinstance(expected, tuple) else (expected,)
    rounded = _rounded(node, before)
    if node.params.get("pool", {}).get("keep"):
        # Pixels that rounding leaves equal may change places: what stands at a place is compared.
        after = [*after[:-1], _at_places(node, before, after[-1])]
        expected, rounded = (*expected[:-1], expected[0]), [*rounded[:-1], rounded[0]]
    for output, (got, want) in enumerate(zip(after, expected, strict=False)):
        want = np.asarray(want).astype(got.dtype).reshape(got.shape)
        wrong = _differs(got, want, rounded[output])
        if wrong.any():
            index = tuple(int(i) for i in np.argwhere(wrong)[0])
            names = ", ".join(sorted({s.kernel.name for s in steps}))
            raise KernelError(
                f"NBKERAS_CHECK: step {number} ({names}, in {node.scope or 'the step'}), output {output} at index "
                f"{index}: expected {want[index]}, got {got[index]}; {int(wrong.sum())} of {wrong.size} differ.",
                next="please report this with the model; NBKERAS_DEBUG=1 prints the plan.",
            )


def _rounded(node, before):
    """For each output what rounding may cost each element of a sum of products; 0 for all else."""
    if node.primitive.name not in PRODUCTS:
        return [0.0] * len(node.outputs)
    plain = {name: value for name, value in node.params.items() if name != "activation"}
    sizes = node.primitive.reference(*map(np.abs, before), **plain)
    sizes = sizes if isinstance(sizes, tuple) else (sizes,)
    return [
        ROUNDED[size.dtype.name] * size.reshape(output.shape) if size.dtype.kind == "f" else 0.0
        for size, output in zip(sizes, node.outputs, strict=True)
    ]


def _at_places(node, before, places):
    """The pixels of a node that pools them, at the places that it found."""
    params = {name: value for name, value in node.params.items() if name != "pool"}
    with np.errstate(all="ignore"):
        pixels = node.primitive.reference(*before, **params)
    pixels = pixels[0] if isinstance(pixels, tuple) else pixels
    pixels = pixels.reshape(with_depth(pixels.shape))
    return TABLE["max_pool_gather"].reference(pixels, places, **window_of(node.params["pool"]))


def _differs(got, want, rounded=0.0):
    if got.dtype.kind != "f":
        return got != want
    finite = np.isfinite(want)
    largest = np.abs(want[finite]).max(initial=0)
    tolerance = TOLERANCE[got.dtype.name]
    with np.errstate(all="ignore"):
        close = np.abs(got - want) <= tolerance * (np.abs(want) + 0.01 * largest) + rounded + 1e-30
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    return ~np.where(finite, close, same)


def _report_nan(plan, node, before, after, number):
    """Say where the first NaN or infinity of a step comes from."""
    if _bad(before) or not _bad(after):
        return
    # In a group, the member that makes it.
    member = node
    if is_group(node):
        values = {id(s): a for s, a in zip(node.params["sources"], before, strict=True)}
        for member in node.params["members"]:
            arrays = [values.get(id(s), node.params["constants"].get(id(s))) for s in member.inputs]
            with np.errstate(all="ignore"):
                made = np.asarray(member.primitive.reference(*arrays, **member.params))
            values[id(member.outputs[0])] = made
            if _bad([made]):
                break
    print(
        f"nbkeras: the first NaN or inf of step {plan.checked_runs} comes from {member.primitive.name!r} in "
        f"{_place(member.scope)} (launch {number}).",
        file=sys.stderr,
    )


def _bad(arrays) -> bool:
    return any(a.dtype.kind == "f" and not np.isfinite(a).all() for a in arrays)


def _place(scope) -> str:
    """A node's scope in words: which layer's output, or whose gradient."""
    backward = (scope or "").startswith("grad ")
    layer = (scope or "").removeprefix("grad ")
    where = f"layer {layer!r}" if layer else "the step outside of layers"
    return f"the gradient of {where}" if backward else f"the output of {where}" if layer else where
