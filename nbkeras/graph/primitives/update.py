"""What changes variables at the end of a step: one launch an optimizer rule, over a flat arena."""

from __future__ import annotations

import numpy as np

from nbkeras.graph.primitives.table import primitive


def _row(name, inplace, numbers, reference, segments=()):
    """A rule whose kernel takes its array inputs in order, then the numbers.

    Args:
        inplace: how many leading inputs are overwritten; each is an output.
        numbers: parameter name -> type.
        segments: parameters that are int64 arrays, passed between inputs and numbers.
    """

    def lower(node, low):
        arrays = [np.asarray(node.params[key], np.int64) for key in segments]
        values = [kind(node.params[key]) for key, kind in numbers.items()]
        items = len(node.params[segments[0]]) - 1 if segments else node.inputs[0].size
        cost = node.inputs[0].size / max(1, items) if segments else 0.5
        low.launch(name, node.inputs[0].dtype, [*node.inputs, *arrays, *values], items=items, cost=cost)

    primitive(
        name,
        infer=lambda node: [(s.shape, s.dtype) for s in node.inputs[:inplace]],
        reference=reference,
        lower=lower,
        inplace={i: i for i in range(inplace)},
    )


def _sgd(w, m, g, lr, momentum, nesterov):
    lr = lr.reshape(())
    if momentum == 0:
        return w - lr * g, m
    m = momentum * m - lr * g
    return w + (momentum * m - lr * g if nesterov else m), m


_row("sgd", 2, {"momentum": float, "nesterov": int}, _sgd)


def _adam(w, m, v, g, lr, step, beta1, beta2, epsilon):
    t = float(step.reshape(())) + 1
    alpha = lr.reshape(()) * np.sqrt(1 - beta2**t) / (1 - beta1**t)
    m = m + (g - m) * (1 - beta1)
    v = v + (g * g - v) * (1 - beta2)
    return w - alpha * m / (np.sqrt(v) + epsilon), m, v


def _amsgrad(w, m, v, top, g, lr, step, beta1, beta2, epsilon):
    t = float(step.reshape(())) + 1
    alpha = lr.reshape(()) * np.sqrt(1 - beta2**t) / (1 - beta1**t)
    m = m + (g - m) * (1 - beta1)
    v = v + (g * g - v) * (1 - beta2)
    top = np.maximum(top, v)
    return w - alpha * m / (np.sqrt(top) + epsilon), m, v, top


_BETAS = {"beta1": float, "beta2": float, "epsilon": float}
_row("adam", 3, _BETAS, _adam)
_row("adam_amsgrad", 4, _BETAS, _amsgrad)


def _rmsprop(w, v, mean, mom, g, lr, rho, momentum, epsilon, centered):
    lr = lr.reshape(())
    v = rho * v + (1 - rho) * g * g
    denominator = v + epsilon
    if centered:
        mean = rho * mean + (1 - rho) * g
        denominator = v - mean * mean + epsilon
    step = lr * g / np.sqrt(denominator)
    if momentum > 0:
        mom = momentum * mom + step
        return w - mom, v, mean, mom
    return w - step, v, mean, mom


_row("rmsprop", 4, {"rho": float, "momentum": float, "epsilon": float, "centered": int}, _rmsprop)


def _pieces(offsets):
    return list(zip(offsets[:-1], offsets[1:], strict=True))


def _norms_reference(g, offsets):
    return np.array([np.sqrt(np.sum(np.square(g[a:b], dtype=np.float64))) for a, b in _pieces(offsets)], g.dtype)


def _norms_lower(node, low):
    g, offsets = node.inputs[0], np.asarray(node.params["offsets"], np.int64)
    items = len(offsets) - 1
    low.launch("segment_norms", g.dtype, [node.outputs[0], g, offsets], items=items, cost=0.3 * g.size / max(1, items))


primitive(
    "segment_norms",
    infer=lambda node: [((len(node.params["offsets"]) - 1,), node.inputs[0].dtype)],
    reference=_norms_reference,
    lower=_norms_lower,
)


def _clip_segments(g, norms, offsets, limit):
    out = g.copy()
    for (a, b), norm in zip(_pieces(offsets), norms, strict=True):
        if not norm <= limit:
            out[a:b] *= limit / norm
    return (out,)


def _clip_global(g, norms, s, limit):
    norm = np.sqrt(np.sum(np.square(norms, dtype=np.float64)))
    # As in Keras, a norm that is not finite makes everything NaN, but for the zeros between variables.
    return (g if norm <= limit else np.where(g == 0, g, g * (limit / norm + (norm - norm))),)


def _decay(w, lr, rate, offsets, mask):
    out = w.copy()
    for (a, b), on in zip(_pieces(offsets), mask, strict=True):
        if on:
            out[a:b] -= out[a:b] * rate * lr.reshape(())
    return (out,)


_row("clip_segments", 1, {"limit": float}, _clip_segments, segments=("offsets",))
_row("clip_global", 1, {"s": int, "limit": float}, _clip_global)
_row("clip_values", 1, {"limit": float}, lambda g, limit: (np.clip(g, -limit, limit),))
_row(
    "average_from_first",
    1,
    {"momentum": float},
    lambda a, w, step, momentum: (momentum * a + (1 - momentum) * w if step.reshape(()) else w,),
)


def _decay_lower(node, low):
    w, lr = node.inputs
    offsets, mask = (np.asarray(node.params[key], np.int64) for key in ("offsets", "mask"))
    args = [w, lr, float(node.params["rate"]), offsets, mask]
    low.launch("decay_segments", w.dtype, args, items=len(mask), cost=0.3 * w.size / max(1, len(mask)))


primitive(
    "decay_segments",
    infer=lambda node: [(node.inputs[0].shape, node.inputs[0].dtype)],
    reference=_decay,
    lower=_decay_lower,
    inplace={0: 0},
)


def _increment(x, amount, index=0):
    out = x.copy()
    out.reshape(-1)[index] += amount
    return (out,)


def _increment_lower(node, low):
    from nbkeras.graph.launches import At

    place = At(node.inputs[0], node.params.get("index", 0))
    low.launch("increment", "int64", [place, int(node.params["amount"])], items=1)


# One element, `index` in flat order, goes on by `amount`: step counters, and the counter of a seed's state.
primitive(
    "increment",
    infer=lambda node: [(node.inputs[0].shape, "int64")],
    reference=_increment,
    lower=_increment_lower,
    inplace={0: 0},
)
