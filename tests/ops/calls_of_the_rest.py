"""The table's third part: bits, segments, windows, counts."""

from __future__ import annotations

import numpy as np

from tests.ops.draw import ROWS as B
from tests.ops.draw import b, f, holes, i, nan, nz, pos, spd, u

BITS = {
    name: [(i(B, 3), i(3)), (u(B, 2), u(2)), (u(B, 2), i(2)), (i(B, 2), 3), (b(B, 2), b(2)), (i(0, 2), i(2))]
    for name in "bitwise_and bitwise_or bitwise_xor".split()
}
BITS |= {name: [(i(B, 3),), (u(B, 2),), (b(B, 2),)] for name in ("bitwise_not", "bitwise_invert")}
BITS |= {
    name: [(i(B, 3), i(3, low=0, high=9)), (u(B, 2), u(2)), (i(B, 2), 3), (i(B, 2) * 10**8, 40)]
    for name in "bitwise_left_shift bitwise_right_shift left_shift right_shift".split()
}
BITS |= {name: [(i(B, 3) * 6, nz(3) * 4), (u(B, 2), i(2)), (i(B, 2), 6), (i(2), i(0, 2))] for name in ("gcd", "lcm")}
BITS |= {
    "nextafter": [(f(B, 3), f(3)), (i(B, 3), f(3)), (nan(B, 3), f(3))],
    "ldexp": [(f(B, 3), i(3)), (i(B, 3), i(3)), (2.5, i(B))],
    "view": [(f(B, 4), "int32"), (f(B, 4), "uint8"), (i(B, 2), "float32"), (u(B, 4), "int16"), (f(2),)],
    "angle": [(f(B, 3),), (i(B, 3),), (nan(B, 3),), (b(B, 2),)],
    "imag": [(f(B, 3),), (i(B, 3),)],
    "erfc": [(f(B, 3) * 3,), (f(),), (nan(B, 2),)],
}
IDS = i(7, low=0, high=3)
SEGMENTS = {
    name: [
        (f(7, 2), IDS, 3),
        (f(7), IDS, {"num_segments": 5}),
        (i(7, 2), IDS, 3),
        (f(7, 2, 2), i(7, low=-1, high=5), 3),
    ]
    for name in ("segment_max", "segment_min", "segment_prod")
}
WINDOWS = {
    "depth_to_space": [(f(B, 2, 3, 8), 2), (f(B, 18, 2, 1), 3, "channels_first")],
    "space_to_depth": [(f(B, 4, 6, 3), 2), (f(B, 2, 3, 6), 3, "channels_first")],
    "extract_sequences": [(f(B, 9), 4, 2), (f(10), 3, 3), (f(B, 2, 7), 7, 1)],
    "unfold": [(f(B, 2, 5, 6), 3), (f(B, 1, 5, 6), (2, 3), {"dilation": (1, 2), "padding": (1, 0), "stride": (2, 1)})],
    "fold": [(f(B, 12, 6), (3, 4), 2), (f(B, 6, 12), (5, 6), (2, 3), {"padding": (1, 0), "stride": (2, 1)})],
    "rearrange": [(f(B, 6, 4), "b (h w) c -> b c h w", {"h": 2}), (f(B, 2, 3, 4), "b h w c -> (b h) (w c)")]
    + [(f(B, 4, 6), "b (p h) (q w) -> b (h w) (p q)", {"p": 2, "q": 3})],
}
COUNTS = {
    "histogram": [
        (f(20),),
        (i(9), 4),
        (f(20), {"bins": 3, "range": (-0.5, 0.5)}),
        (np.ones(3, "float32"), 2),
    ],
    "unique": [(i(9),), (f(6),), (i(3, 4), {"return_index": True, "return_inverse": True, "return_counts": True})]
    + [(i(9), {"size": 2}), (i(4), {"size": 6, "fill_value": 9}), (i(4, 2, low=0, high=2), {"axis": 0})],
    "unravel_index": [(i(B, low=0, high=24), (2, 3, 4)), (i(2, 2, low=-5, high=0), (2, 3))],
    "nanquantile": [(holes(B, 6), 0.3), (holes(B, 6), [0.1, 0.5, 1.0], {"axis": 1}), (f(B, 6), 0.25, 1, "linear", True)]
    + [(holes(B, 6), 0.3, 1, m) for m in ("lower", "higher", "midpoint", "nearest")],
    "nanpercentile": [(holes(B, 6), 30), (holes(B, 6), [10, 50.0], {"axis": 1})],
    "nanmedian": [(holes(B, 6),), (holes(B, 6), {"axis": 1}), (holes(B, 5, 2), {"axis": (1, 2), "keepdims": True})]
    + [(i(B, 4), 1)],
    "segment_sum": [(pos(7, 2), i(7, low=-1, high=5), 3)],
}
FACTORS = {
    "cholesky": [(spd(3),), (spd(B, 4), {"upper": True}), (spd(2, 2, 1),)],
    "cholesky_inverse": [(np.linalg.cholesky(spd(3)),), (np.linalg.cholesky(spd(4)).T.copy(), {"upper": True})],
    "solve": [(spd(B, 3), f(B, 3, 2)), (f(4, 4), f(4)), (f(2, 3, 3), f(2, 3, 1)), (spd(9), f(9, 2))],
    "solve_triangular": [(spd(B, 3), f(B, 3, 2)), (spd(4), f(4), {"lower": True}), (spd(2, 3), f(2, 3))],
    "inv": [(f(3, 3),), (spd(B, 4),), (f(2, 3, 1, 1) + 1,)],
    "det": [(f(3, 3),), (f(B, 4, 4),), (f(1, 1),), (np.zeros((2, 2), "float32"),)],
    "slogdet": [(f(3, 3),), (f(B, 4, 4),), (np.zeros((2, 2), "float32"),)],
    "logdet": [(spd(3),), (spd(B, 4),)],
    "lu_factor": [(f(3, 3),), (f(B, 4, 4),), (f(2, 5, 3),)],
    "qr": [(f(4, 3),), (f(B, 3, 4),), (f(B, 4, 3), {"mode": "complete"}), (f(3, 3),), (f(2, 1),)],
    "lstsq": [(f(5, 3), f(5)), (f(5, 3), f(5, 2)), (f(3, 5), f(3)), (f(4, 4), f(4, 2), 0.2)],
    "pinv": [(f(5, 3),), (f(B, 3, 4) / 4 + np.eye(3, 4, dtype="float32"),), (f(4, 4), 0.3)],
    "matrix_rank": [(f(5, 3),), (np.ones((B, 3, 3), "float32"),), (np.zeros((2, 2), "float32"),), (spd(4), 3.0)],
    "norm": [(f(B, 3, 4), o, (1, 2)) for o in ("nuc", 2, -2)],
}
FOURIER = {
    "fft": [((f(B, n) / 8, f(B, n) / 8),) for n in (1, 2, 8, 15, 67, 96)] + [((f(7), f(7)),), ((f(2, 3), f(2, 3)),)],
    "fft2": [((f(B, 4, 6), f(B, 4, 6)),), ((f(3, 5), f(3, 5)),)],
    "ifft2": [((f(B, 4, 6), f(B, 4, 6)),), ((f(3, 71), f(3, 71)),)],
    "rfft": [(f(B, 8),), (f(9),), (f(B, 8), 5), (f(2, 3, 5), {"fft_length": 12}), (f(64),)],
    "irfft": [((f(B, 5), f(B, 5)),), ((f(B, 5), f(B, 5)), 9), ((f(4), f(4)), {"fft_length": 12}), ((f(9), f(9)), 5)],
    "stft": [(f(B, 40), 8, 4, 16), (f(33), 7, 3, 12, "hamming", False), (f(B, 20), 6, 6, 8, None)]
    + [(f(30), 6, 2, 8, pos(6))],
    "istft": [((f(B, 6, 9), f(B, 6, 9)), 12, 4, 16), ((f(5, 7), f(5, 7)), 9, 3, 12, 20, "hamming", False)]
    + [((f(B, 6, 9), f(B, 6, 9)), 16, 4, 16, {"window": None})],
}
LABELS, LENGTHS = i(B, 3, low=1, high=4), np.array([3, 2, 1, 0, 3], "int32")
HEADS = f(2, 3, 4, 5), f(2, 6, 2, 5), f(2, 6, 2, 5)
MEASURES = {
    "cdist": [(f(B, 3), f(4, 3)), (f(2, 4, 3), f(2, 5, 3)), (i(B, 2), f(3, 2))],
    "correlate": [(f(7), f(3), m) for m in ("valid", "same", "full")]
    + [(f(n), f(m), "same") for n, m in ((3, 7), (4, 6), (6, 4), (5, 5))]
    + [(f(3), f(6)), (i(5), i(2), "full")],
    "psnr": [(pos(B, 3), pos(B, 3), 3.0)],
    "dot_product_attention": [
        (f(2, 3, 4, 5), f(2, 6, 4, 5), f(2, 6, 4, 5)),
        HEADS,
        (*HEADS, f(2, 4, 3, 6), b(2, 4, 3, 6)),
    ]
    + [(f(2, 6, 2, 5), f(2, 6, 2, 5), f(2, 6, 2, 5), {"is_causal": True, "scale": 0.7})],
    "ctc_loss": [(LABELS, f(B, 8, 5), LENGTHS, np.array([8, 7, 6, 5, 7], "int32"))]
    + [(LABELS - 1, f(B, 8, 4), LENGTHS, np.array([8, 8, 3, 4, 8], "int32"), 3)],
    "ctc_decode": [(f(B, 7, 4), LENGTHS + 4), (f(B, 7, 4), LENGTHS + 4, {"merge_repeated": False, "mask_index": 2})],
}
#: Drawn behind the others, whose numbers stay what they were.
PARTS = np.array([0.15, 0.5, 1.0], "float32")
MORE = {
    "i0": [(4 * f(B, 3),), (i(B, 2) * 5,), (f(),), (nan(B, 2)[:, :1],)],
    "quantile": [(f(B, 6), PARTS, {"axis": 1})] + [(nan(B, 6), PARTS, 1, m) for m in ("linear", "nearest", "lower")],
    "percentile": [(f(B, 6), 100 * PARTS, {"axis": 1})],
    "nanquantile": [(holes(B, 6), PARTS, {"axis": 1, "keepdims": True})],
    "nanpercentile": [(holes(B, 6), 100 * PARTS)],
    "linspace": [(f(B, 3), f(3), 4, {"axis": 1}), (f(B, 1), 2.0, 3, False), (f(2), 1, 1)],
    "logspace": [(f(B, 3), f(3), 4, {"axis": -1}), (f(2), 1.5, 3, False, 2)],
    "geomspace": [(pos(B, 3), pos(3), 4, {"axis": 1}), (-pos(2), -3.0, 5), (pos(2), 2, 3, False)],
    "round": [(i(B, 2) * 50, -2)],
    "einsum": [("i...,...j", f(B, 3, 4), f(3, 4, 2)), ("...j,i", f(2, 3), f(4))],
}
TABLES = (BITS, SEGMENTS, WINDOWS, COUNTS, FACTORS, FOURIER, MEASURES, MORE)
