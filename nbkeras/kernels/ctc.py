"""Connectionist temporal classification: the probability of a sequence of labels, over all its alignments."""

from nbkeras.kernels._jit import kernel, scalar
from nbkeras.kernels.scalars import exp, log


@scalar
def log_sum(a, b):
    """log(exp(a) + exp(b)); of numbers below every possible logarithm the greater."""
    high = a if a > b else b
    low = b if a > b else a
    return high + log(exp(low - high) + exp(high - high))


@kernel
def ctc(
    loss: "T b",
    slope: "T b*t*c",
    forward: "T b*t*(2*l+1)",
    backward: "T b*2*(2*l+1)",
    scores: "T b*t*c",
    labels: "i8 b*l",
    steps: "i8 b",
    lengths: "i8 b",
    t: "i8",
    c: "i8",
    l: "i8",
    blank: "i8",
    lo,
    hi,
):
    """loss = -log P(labels), scores = log P(class) a step; slope = d loss / d scores; both 0 where no step counts.

    Items: sequences. forward: logarithms of the probabilities of the beginnings, by place among the labels with a blank
    around each. A sequence without any alignment has the loss 1e5 and no slope.   Source: Graves et al., 2006.
    """
    real = type(loss[0])
    never = real(-1e30)
    width = 2 * l + 1
    for item in range(lo, hi):
        count = steps[item] if steps[item] < t else t
        size = lengths[item] if lengths[item] < l else l
        places = 2 * size + 1
        grid = item * t * width
        row = item * t * c
        for i in range(t * c):
            slope[row + i] = real(0.0)
        loss[item] = real(0.0)
        if count > 0:
            for s in range(places):
                forward[grid + s] = never
            forward[grid] = scores[row + blank]
            if size > 0:
                forward[grid + 1] = scores[row + labels[item * l]]
            for step in range(1, count):
                here = grid + step * width
                before = here - width
                for s in range(places):
                    label = labels[item * l + s // 2] if s % 2 == 1 else blank
                    total = forward[before + s]
                    if s > 0:
                        total = log_sum(total, forward[before + s - 1])
                    if s % 2 == 1 and s > 2 and label != labels[item * l + s // 2 - 1]:
                        total = log_sum(total, forward[before + s - 2])
                    forward[here + s] = total + scores[row + step * c + label]
            last = grid + (count - 1) * width + places - 1
            total = forward[last]
            if size > 0:
                total = log_sum(total, forward[last - 1])
            if total < real(-1e20):
                loss[item] = real(1e5)
            else:
                loss[item] = -total
                ends = item * 2 * width
                for s in range(places):
                    backward[ends + s] = real(0.0) if s >= places - 2 else never
                for back in range(count):
                    step = count - 1 - back
                    here = ends + (back % 2) * width
                    after = ends + (1 - back % 2) * width
                    if back > 0:
                        for s in range(places):
                            label = labels[item * l + s // 2] if s % 2 == 1 else blank
                            ahead = row + (step + 1) * c
                            sum_here = backward[after + s] + scores[ahead + label]
                            if s + 1 < places:
                                follower = labels[item * l + (s + 1) // 2] if s % 2 == 0 else blank
                                sum_here = log_sum(sum_here, backward[after + s + 1] + scores[ahead + follower])
                            if s % 2 == 1 and s + 2 < places and labels[item * l + s // 2 + 1] != label:
                                follower = labels[item * l + s // 2 + 1]
                                sum_here = log_sum(sum_here, backward[after + s + 2] + scores[ahead + follower])
                            backward[here + s] = sum_here
                    for s in range(places):
                        label = labels[item * l + s // 2] if s % 2 == 1 else blank
                        share = forward[grid + step * width + s] + backward[here + s] - total
                        slope[row + step * c + label] -= exp(share)
