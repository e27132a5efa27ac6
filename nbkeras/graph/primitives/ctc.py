"""The loss of label sequences over all alignments, and its slope by the scores."""

from __future__ import annotations

import numpy as np

from nbkeras.errors import GraphError, ShapeError
from nbkeras.graph.primitives.elementwise import multiply
from nbkeras.graph.primitives.emit import emit
from nbkeras.graph.primitives.table import primitive


def _ctc_infer(node):
    scores, labels, steps, lengths = node.inputs
    b = scores.shape[0]
    if len(scores.shape) != 3 or len(labels.shape) != 2 or {labels.shape[0], *steps.shape, *lengths.shape} != {b}:
        raise ShapeError(
            f"ctc: expected scores (N, T, C), labels (N, L) and lengths (N,) and (N,), got {scores.shape}, "
            f"{labels.shape}, {steps.shape} and {lengths.shape}."
        )
    return [((b,), scores.dtype), (scores.shape, scores.dtype)]


def _ctc_one(scores, labels, blank):
    """-log P and its slope, of one sequence, by the sums over all places among labels and blanks."""
    extended = np.full(2 * len(labels) + 1, blank)
    extended[1::2] = labels
    t, s = len(scores), len(extended)
    jump = [s_ > 1 and s_ % 2 == 1 and extended[s_] != extended[s_ - 2] for s_ in range(s)]

    def step(row, ahead):
        moved = np.logaddexp(row, np.append(row[1:], -np.inf) if ahead else np.append(-np.inf, row[:-1]))
        far = np.append(row[2:], [-np.inf] * 2)[:s] if ahead else np.append([-np.inf] * 2, row[:-2])[:s]
        allowed = np.append(jump[2:], [False] * 2)[:s] if ahead else np.array(jump)
        return np.where(allowed, np.logaddexp(moved, far), moved)

    forward, backward = np.full((t, s), -np.inf), np.full((t, s), -np.inf)
    forward[0, :2] = scores[0, extended[:2]]
    backward[-1, -2:] = 0
    for i in range(1, t):
        forward[i] = step(forward[i - 1], False) + scores[i, extended]
        backward[-1 - i] = step(backward[-i] + scores[-i, extended], True)
    total = np.logaddexp.reduce(forward[-1, -2:])
    slope = np.zeros_like(scores)
    if np.isinf(total):
        return 1e5, slope
    np.subtract.at(slope, (slice(None), extended), np.exp(forward + backward - total))
    return -total, slope


def _ctc_reference(scores, labels, steps, lengths, blank):
    loss, slope = np.zeros(len(scores)), np.zeros(scores.shape)
    with np.errstate(all="ignore"):
        for i, (n, m) in enumerate(zip(np.minimum(steps, scores.shape[1]), lengths, strict=True)):
            if n > 0:
                loss[i], slope[i, :n] = _ctc_one(scores[i, :n].astype(float), labels[i, :m], blank)
    return loss.astype(scores.dtype), slope.astype(scores.dtype)


def _ctc_grad(node, dloss, dslope):
    if dslope is not None:
        raise GraphError("ctc: the gradient of its gradient is not there.", next="take first derivatives only.")
    rows = emit("reshape", dloss, shape=(dloss.shape[0], 1, 1))
    return [multiply(rows, node.outputs[1]), None, None, None]


def _ctc_lower(node, low):
    scores, labels, steps, lengths = node.inputs
    (b, t, c), width = scores.shape, 2 * labels.shape[1] + 1
    work = low.temp((b, t, width), scores.dtype), low.temp((b, 2, width), scores.dtype)
    args = [*node.outputs, *work, scores, labels, steps, lengths, t, c, labels.shape[1], node.params["blank"]]
    low.launch("ctc", scores.dtype, args, items=b, cost=60.0 * t * width + t * c)


primitive("ctc", infer=_ctc_infer, reference=_ctc_reference, grad=_ctc_grad, lower=_ctc_lower)
