"""Connectionist temporal classification: the loss of sequences without alignment, and reading labels from scores."""

from __future__ import annotations

import numpy as np

from nbkeras.errors import ArgumentError
from nbkeras.ops import activating, indexing, reducing
from nbkeras.ops.common import cast, dtype_name, emit, floating, number, on_host, op, tensor


@op
def ctc_loss(target, output, target_length, output_length, mask_index=0):
    """-log P of each sequence of labels, over all ways to align it with the steps of the output.

    Args:
        target: labels (N, L), whole numbers.
        output: logits (N, T, C).
        target_length: how many labels count, (N,).
        output_length: how many steps count, (N,).
        mask_index: the class that stands for no label.

    Returns:
        (N,). A sequence that has no alignment, with more labels than steps, has the loss 1e5 and no gradient. The
        gradient of the gradient is not there.

    Example:
        >>> import numpy as np
        >>> logits = np.zeros((1, 4, 3), "float32")
        >>> ctc_loss([[1, 2]], logits, target_length=[2], output_length=[4]).round(4)
        array([1.6864], dtype=float32)

    Source: Graves et al., "Connectionist temporal classification", 2006.
    """
    scores = activating.log_softmax(floating(output), axis=-1)
    labels, steps, lengths = (tensor(x, "int64") for x in (target, output_length, target_length))
    return emit("ctc", scores, labels, steps, lengths, blank=int(mask_index))[0]


@op
def ctc_decode(
    inputs,
    sequence_lengths,
    strategy="greedy",
    beam_width=100,
    top_paths=1,
    merge_repeated=True,
    mask_index=0,
):
    """The likeliest labels of each sequence of scores.

    Args:
        inputs: logits (N, T, C).
        sequence_lengths: how many steps count, (N,).
        strategy: 'greedy' takes the likeliest class of each step; 'beam_search' keeps the likeliest beginnings, and
            works on arrays only.
        beam_width: how many beginnings are kept.
        top_paths: how many results beam search gives.
        merge_repeated: greedy: count a class that comes several times in a row once.
        mask_index: the class that stands for no label.

    Returns:
        Labels (paths, N, T), filled up with -1, and for each their score: minus the sum of the greatest logits (N, 1),
        or log P (N, paths) of beam search.

    Example:
        >>> import numpy as np
        >>> logits = 5 * np.eye(3, dtype="float32")[None, [1, 1, 0, 2]]
        >>> labels, scores = ctc_decode(logits, sequence_lengths=[4])
        >>> labels
        array([[[ 1,  2, -1, -1]]], dtype=int32)
        >>> scores
        array([[-20.]], dtype=float32)
    """
    if strategy == "greedy":
        return _greedy(floating(inputs), tensor(sequence_lengths, "int64"), merge_repeated, mask_index)
    if strategy == "beam_search":
        host = on_host(floating(inputs), "ctc_decode")
        lengths = on_host(sequence_lengths, "ctc_decode")
        return _beam_search(host, lengths, beam_width, top_paths, mask_index)
    raise ArgumentError(f"ctc_decode: strategy must be 'greedy' or 'beam_search', got {strategy!r}.")


def _greedy(x, lengths, merge_repeated, mask_index):
    n, steps, classes = x.shape
    blank = np.int64(classes - 1 if mask_index is None else mask_index)
    order = np.arange(steps, dtype=np.int64)[None]
    inside = emit("less", order, emit("reshape", lengths, shape=(n, 1)))
    best = emit("where", inside, cast(reducing.argmax(x, axis=-1), "int64"), blank)
    scores = emit("where", inside, reducing.max(x, axis=-1), number(x, 0))
    if merge_repeated and steps > 1:
        before = emit("take", best, start=(0, 0), step=(1, 1), shape=(n, steps - 1))
        before = emit("concatenate", np.full((n, 1), -1, np.int64), before, axis=1)
        labels = emit("where", emit("equal", best, before), blank, best)
    else:
        labels = best
    gone = emit("equal", labels, blank)
    labels = emit("where", gone, np.int64(-1), labels)
    _, places = emit("sort", emit("where", gone, np.int64(steps), order), descending=False)
    labels = cast(indexing.take_along_axis(labels, places, axis=1), "int32")
    total = emit("negative", emit("reshape", reducing.sum(scores, axis=1), shape=(n, 1)))
    return emit("reshape", labels, shape=(1, n, steps)), total


def _beam_search(x, lengths, beam_width, top_paths, mask_index):
    n, steps, classes = x.shape
    blank = classes - 1 if mask_index is None else mask_index
    shifted = x - x.max(-1, keepdims=True)
    scores = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    paths = np.full((top_paths, n, steps), -1, np.int32)
    totals = np.full((n, top_paths), -np.inf, dtype_name(x.dtype))
    for item in range(n):
        found = _beams(scores[item, : int(lengths[item])].astype(float), blank, beam_width)
        for rank, (path, total) in enumerate(found[:top_paths]):
            paths[rank, item, : len(path)] = path
            totals[item, rank] = total
    return paths, totals


def _beams(scores, blank, width):
    """The likeliest label sequences with their log P, best first; kept apart by whether they end in a blank."""
    beams = {(): (0.0, -np.inf)}
    for row in scores:
        grown: dict = {}

        def add(path, number, place, grown=grown):
            pair = list(grown.get(path, (-np.inf, -np.inf)))
            pair[place] = np.logaddexp(pair[place], number)
            grown[path] = tuple(pair)

        for path, (in_blank, in_label) in beams.items():
            add(path, np.logaddexp(in_blank, in_label) + row[blank], 0)
            for label in range(len(row)):
                if label == blank:
                    continue
                if path and path[-1] == label:
                    add(path, in_label + row[label], 1)
                    add((*path, label), in_blank + row[label], 1)
                else:
                    add((*path, label), np.logaddexp(in_blank, in_label) + row[label], 1)
        best = sorted(grown, key=lambda p: -np.logaddexp(*grown[p]))[:width]
        beams = {path: grown[path] for path in best}
    return [(path, np.logaddexp(*pair)) for path, pair in beams.items()]
