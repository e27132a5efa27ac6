"""Drawn convolutions: any rank, size, stride, dilation, padding and number of groups, the odd ones first."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass
class Drawn:
    """Shapes of input, kernel and output, and the parameters that the primitives share."""

    x: tuple
    w: tuple
    y: tuple
    window: dict

    def arrays(self, rng, dtype):
        """Input, kernel and output gradient."""
        return tuple(rng.normal(size=shape).astype(dtype) for shape in (self.x, self.w, self.y))

    def params(self, what: str) -> dict:
        """Parameters of the primitive whose output is `what`: 'x', 'w' or 'y'."""
        shape = {"x": self.x[1:-1], "w": self.w[:-2], "y": self.y[1:-1]}[what]
        return {**self.window, "shape": shape}


def draw(rng, largest: int = 9, most_channels: int = 40) -> Drawn:
    """A convolution that fits, at random; sizes are small and odd."""
    rank = int(rng.integers(1, 4))
    most = {1: 4 * largest, 2: largest, 3: 5}[rank]
    stride = tuple(int(s) for s in rng.choice([1, 1, 2, 3], rank))
    dilation = tuple(int(d) for d in rng.choice([1, 1, 2, 3], rank))
    sizes = tuple(int(n) for n in rng.integers(1, most + 1, rank))
    taps = tuple(int(k) for k in rng.integers(1, 5, rank))
    padding = tuple(int(p) for p in rng.integers(0, 4, rank))
    axes = zip(sizes, padding, taps, dilation, stride, strict=True)
    reach = [max(0, (n + p - (k - 1) * d - 1) // s + 1) for n, p, k, d, s in axes]
    outputs = tuple(int(max(1, r + rng.integers(-1, 3))) for r in reach)
    kind = rng.choice(["plain", "plain", "grouped", "depthwise", "multiplied"])
    groups = 1 if kind == "plain" else int(rng.integers(2, 6))
    channels = int(rng.integers(1, most_channels)) if kind in ("plain", "grouped") else 1
    units = 1 if kind == "depthwise" else int(rng.integers(1, most_channels))
    if kind in ("grouped", "multiplied"):
        channels, units = min(channels, 7), min(units, 7)
    samples = int(rng.choice([1, 2, 3]))
    return Drawn(
        (samples, *sizes, groups * channels),
        (*taps, channels, groups * units),
        (samples, *outputs, groups * units),
        {"stride": stride, "dilation": dilation, "padding": padding, "groups": groups},
    )
