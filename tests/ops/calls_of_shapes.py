"""The table's second half: shapes, indices, making, order, matrices, control flow."""

from __future__ import annotations

import numpy as np

from tests.ops.draw import ROWS as B
from tests.ops.draw import b, f, holes, i, nan, pos, u

SHAPES = {
    "reshape": [(f(B, 3, 2), (-1, 6)), (f(4, 4), (4, 2, 2)), (f(6), (2, 3)), (f(0, 3), (0, 3)), (f(), (1,))],
    "transpose": [(f(B, 3, 2),), (f(B, 3, 2), (0, 2, 1)), (i(B, 3), (-1, 0)), (b(B, 2),)],
    "swapaxes": [(f(B, 3, 2), 1, -1), (f(B, 3), 0, 1)],
    "moveaxis": [(f(B, 3, 2), 1, -1), (f(B, 3, 2), (0, 1), (2, 0)), (f(B, 3, 2, 4), [1, 3], [0, 1])],
    "expand_dims": [(f(B, 3), 0), (f(B, 3), -1), (f(B, 3), (0, 2)), (f(), 0)],
    "squeeze": [(f(B, 1, 3, 1),), (f(B, 1, 3), 1), (f(B, 1, 3, 1), (1, -1))],
    "broadcast_to": [(f(3), (B, 3)), (f(2, 1), (4, 2, 3)), (i(), (3,))],
    "concatenate": [([f(B, 2), f(B, 3)], 1), ([f(B, 2), i(B, 2)], -1), ([f(2), f(3)],), ([f(B, 2)], 1)]
    + [([f(B, 0), f(B, 2)], 1)],
    "stack": [([f(B, 2), f(B, 2)], 1), ([f(B, 2), i(B, 2)], -1), ([f(), f()],)],
    "unstack": [(f(B, 3), {"axis": 1}), (f(2, 3),), (f(2, 3), {"num": 3, "axis": -1})],
    "split": [(f(B, 4), 2, 1), (f(B, 6), [1, 4], -1), (f(4, 2), 2), (f(B, 4), [1, 1, 3], 1)],
    "array_split": [(f(B, 5), 2, 1), (f(7), 3)],
    "hsplit": [(f(B, 4), 2), (f(6), 3)],
    "vsplit": [(f(4, 2), 2), (f(4, 2), [1])],
    "dsplit": [(f(B, 2, 4), 2)],
    "hstack": [([f(B, 2), f(B, 1)],), ([f(3), f(2)],)],
    "vstack": [([f(3, 2), f(1, 2)],), ([f(3), f(3)],)],
    "dstack": [([f(B, 2), f(B, 2)],), ([f(B, 2, 1), f(B, 2, 3)],), ([f(3), f(3)],)],
    "append": [(f(B, 2), f(B, 3), {"axis": 1}), (f(2, 2), i(3)), (f(2), f(3), {"axis": 0})],
    "flip": [(f(B, 3),), (f(B, 3), 1), (f(B, 3, 2), (0, -1))],
    "fliplr": [(f(B, 3),)],
    "flipud": [(f(B, 3),)],
    "rot90": [(f(4, 3), {"k": k}) for k in (-1, 0, 1, 2, 3, 4)] + [(f(B, 3, 2), {"axes": (1, 2)})],
    "pad": [(f(B, 3), ((0, 0), (1, 2))), (f(2, 3), 1), (f(2, 3), 1, "constant", 4), (i(2, 3), 1, "constant", 4)]
    + [(f(B, 4), ((0, 0), (2, 1)), m) for m in ("reflect", "symmetric")] + [(b(2, 2), 1), (f(B, 2), (1, 2))],
    "tile": [(f(B, 2), (1, 3)), (f(2, 3), 2), (f(3), (2, 2)), (i(2), [2])],
    "repeat": [(f(B, 3), 2, 1), (f(2, 3), 2), (f(3), np.array([1, 0, 2]), 0), (f(B, 3), 2, -1)],
    "roll": [(f(B, 3), 1, 1), (f(2, 3), 2), (f(B, 3, 2), (1, 2), (1, 2)), (f(B, 3), -1, -1), (f(B, 3), 4, 1)],
    "ndim": [(f(B, 3),), (f(),)],
    "diag": [(f(3),), (f(4, 3),), (f(3), 1), (f(3), {"k": -2}), (f(4, 3), -1), (f(2, 2), 5)],
    "diagflat": [(f(2, 2),), (i(3), 1)],
    "diagonal": [(f(4, 3),), (f(B, 4, 3), {"axis1": 1, "axis2": 2}), (f(4, 3, 2), 1), (f(B, 3, 4), -1, 2, 1)],
    "trace": [(f(4, 3),), (f(B, 4, 3), {"axis1": 1, "axis2": 2, "offset": 1}), (i(3, 3),), (b(3, 3),)],
    "tril": [(f(B, 3, 3),), (f(3, 4), 1), (i(3, 3), -1)],
    "triu": [(f(B, 3, 3),), (f(3, 4), 1), (b(3, 3),)],
    "vander": [(f(4),), (f(4), 3), (i(3), 4, True)],
    "diff": [(f(B, 4),), (f(B, 4), 2), (f(B, 4, 2), {"axis": 1}), (i(B, 3),), (b(B, 3),)],
    "trapezoid": [(f(B, 4),), (f(B, 4), {"dx": 0.5}), (f(B, 4), f(4)), (f(B, 4), f(B, 4)), (f(4, 2), {"axis": 0})],
    "corrcoef": [(f(3, 6),), (i(3, 6),)],
}
INDEX = i(B, 2, low=0, high=3)
INDICES = {
    "take": [(f(B, 4), i(3, low=-4, high=4), {"axis": 1}), (f(2, 3), i(2, 2, low=0, high=6))]
    + [(f(4, 2), 1, {"axis": 0})]
    + [(f(B, 3, 2), [0, 2, 0], {"axis": -2}), (b(B, 3), i(2, low=0, high=3), {"axis": -1})],
    "take_along_axis": [(f(B, 4), i(B, 2, low=0, high=4), {"axis": 1})]
    + [(f(4, 3), i(2, 3, low=-4, high=4), {"axis": 0})]
    + [(f(3, 2), i(4, low=0, high=6))],
    "slice": [(f(B, 4), (0, 1), (B, 2)), (f(4, 3), (1, 0), (2, 3)), (f(4, 3), (3, 0), (2, 3))],
    "slice_update": [(f(4, 3), (1, 0), f(2, 3)), (f(4, 3), (3, 2), f(2, 2)), (i(4), (1,), i(2))],
    "scatter": [(i(4, 1, low=0, high=3), f(4, 2), (3, 2)), (i(B, 2, low=0, high=3), f(B), (3, 4))]
    + [(i(2, 2, 1, low=0, high=3), f(2, 2, 3), (3, 3))],
    "scatter_update": [(f(6, 2), np.array([[1], [4]], "int32"), f(2, 2)), (f(3, 4), np.array([[0, 1], [2, 3]]), f(2))]
    + [(f(6), np.array([[1], [4], [1]], "int32"), f(3), {"reduction": "add"})],
    "segment_sum": [(f(B, 2), i(B, low=0, high=3), 3), (f(6), i(6, low=0, high=3), {"num_segments": 4})],
    "get_item": [(f(B, 4), np.s_[:, 1]), (f(B, 4), np.s_[..., None, 1:3]), (f(4, 3), 2), (f(4, 3), -1)]
    + [(f(4, 3), np.s_[::-1])]
    + [(f(4, 3), np.array([0, 2])), (f(4, 3, 2), np.s_[:, np.array([[0, 2], [1, 1]])]), (f(4, 3), np.s_[1:1])]
    + [(f(B, 3, 2), ())],
}
MAKING = {
    "zeros": [((2, 3),), ((), "int32"), ((0,),), (3,)],
    "ones": [((2, 3),), ((2,), "bool")],
    "full": [((2, 3), 4), ((2,), 1.5, "int32"), ((2, 3), f(3))],
    "full_like": [(f(B, 2), 3), (i(B, 2), 1.5), (f(B, 2), 2, "int32")],
    "zeros_like": [(f(B, 2), {"dtype": "int32"})],
    "array": [([1, 2],), ([1.5, 2],), (3,), (2.5, "int32"), ([[True]],)],
    "convert_to_tensor": [([1, 2],), ([1.5, 2],), (3,), (2.5, "int32"), (f(B, 2), "int32"), ([[1, 2.5], [3, 4]],)],
    "arange": [(5,), (1, 5, 2), (1, 2, 0.25), (5.0,), (5, {"dtype": "float32"}), (5, 0, -2), (3, 3)],
    "linspace": [(0, 1, 5), (0, 1, 5, False), (2.0, 3.0), (0, 1, {"num": 4, "retstep": True}), (f(2), f(2), 3)],
    "logspace": [(0, 2, 5), (0, 2, 5, False, 2)],
    "geomspace": [(1, 16, 5), (1.0, 3.0, 4, False)],
    "eye": [(3,), (3, 4, 1), (2, None, 0, "int32")],
    "identity": [(3,), (2, "bool")],
    "tri": [(3,), (3, 4, -1)],
    "bartlett": [(5,)], "blackman": [(5,)], "hamming": [(5,)], "hanning": [(5,)], "kaiser": [(5, 1.5)],
    "meshgrid": [(f(3), f(4)), (f(3), f(4), {"indexing": "ij"}), (f(2), i(3), f(4)), (f(3),)],
    "shape": [(f(2, 3),)], "size": [(f(2, 3),)],
    "dtype": [(f(2),), (i(2),)],
}
SORTED = np.sort(f(7))
ORDER = {
    "cumsum": [(f(B, 4), {"axis": 1}), (f(B, 3, 2), {"axis": 0}), (i(2, 3),), (b(B, 3), {"axis": -1})]
    + [(f(B, 3), 1, "int32"), (u(B, 3), 1)],
    "cumprod": [(f(B, 4), {"axis": 1}), (i(2, 3),), (b(B, 3), {"axis": -1})],
    "nancumsum": [(holes(B, 4), {"axis": 1}), (i(2, 3),)],
    "nancumprod": [(holes(B, 4), {"axis": 1})],
    "sort": [(f(B, 9),), (i(B, 4), 0), (f(B, 5, 2), {"axis": 1}), (nan(B, 4),), (b(B, 3),), (u(B, 4),), (f(B, 0),)],
    "argsort": [(f(B, 9),), (i(B, 4), 0), (f(B, 5, 2), {"axis": 1}), (b(B, 3),)],
    "top_k": [(f(B, 7), 3), (i(B, 4), 1), (f(4), 4), (u(B, 4), 2)],
    "searchsorted": [(SORTED, f(B, 3)), (SORTED, SORTED), (SORTED, SORTED, "right"), (np.sort(i(6)), i(4), "right")],
    "digitize": [(f(B, 3), np.array([-1.0, 0.0, 1.0], "float32")), (i(B), np.array([-1, 0, 2], "int32"))],
    "isin": [(i(B, 3), i(3)), (f(B, 2), f(2), {"invert": True}), (i(B, 3), i(0)), (i(2), i(0), {"invert": True})],
    "bincount": [(i(8, low=0, high=5),), (i(8, low=0, high=5), f(8)), (i(2, 4, low=0, high=3), {"minlength": 6})],
    "nonzero": [(i(3, 4),), (f(5),)],
    "quantile": [(f(B, 6), 0.3), (f(B, 6), [0.1, 0.5, 1.0], {"axis": 1}), (f(B, 6), 0.25, 1, "linear", True)]
    + [(f(B, 6), 0.3, 1, m) for m in ("lower", "higher", "midpoint", "nearest")] + [(i(B, 4), 0.4)]
    + [(nan(B, 4), 0.4, 1)],
    "percentile": [(f(B, 6), 30), (f(B, 6), [10, 50.0], {"axis": 1})],
    "count_nonzero": [(i(B, 3),), (i(B, 3), 1), (b(B, 3), (0, 1))],
    "average": [(f(B, 3),), (f(B, 3), 1), (f(B, 3), 1, pos(3)), (f(B, 3), 0, pos(B))]
    + [(f(B, 3), None, pos(B, 3)), (i(B, 3), 1)],
    "norm": [(f(B, 3),), (f(B, 3), {"axis": 1}), (f(B, 3), {"axis": 1, "keepdims": True}), (f(B, 3), "fro")]
    + [(f(B, 3), o, 1) for o in (1, 2, 3, np.inf, -np.inf, 0)] + [(f(B, 3), 1), (f(B, 3), np.inf), (f(4), 1)]
    + [(i(B, 3),)]
    + [(f(B, 3, 4), o, (1, 2)) for o in (None, "fro", 1, np.inf, -1)],
    "allclose": [(f(3), f(3)), (SORTED, SORTED)],
    "max": [(f(B, 0), {"axis": 1, "initial": 2.0}), (f(B, 3), {"axis": 1, "initial": 0.5})],
    "min": [(f(B, 3), {"axis": 1, "initial": -0.5})],
    "prod": [(f(B, 3), {"axis": 1, "dtype": "int32"})],
}
MATRICES = {
    "matmul": [(f(B, 3), f(3, 4)), (f(B, 2, 3), f(B, 3, 4)), (f(B, 2, 3), f(3, 4)), (f(3), f(3, 2))]
    + [(f(B, 3), f(3)), (f(3), f(3))]
    + [(f(2, 3), f(B, 3, 2)), (i(B, 3), i(3, 2)), (i(B, 3), f(3, 2)), (f(1, 3, 2, 3), f(4, 1, 3, 2))]
    + [(f(B, 0), f(0, 2)), (f(B, 3), f(3, 0))],
    "dot": [(f(B, 3), f(3, 4)), (f(3), f(3)), (f(2, 3), f(4, 3, 2)), (f(), f(B, 2)), (f(B, 2), 2.0), (i(B, 3), i(3))],
    "inner": [(f(B, 3), f(4, 3)), (f(3), f(3)), (f(), f(3))],
    "vdot": [(f(3), f(3)), (f(2, 3), f(2, 3))],
    "outer": [(f(3), f(4)), (f(2, 2), f(3)), (i(3), f(2))],
    "tensordot": [(f(B, 3, 4), f(3, 4, 2)), (f(B, 3), f(3, 2), 1), (f(B, 3, 4), f(2, 3), [[1], [1]]), (f(2), f(3), 0)]
    + [(f(B, 3, 4), f(2, 3), (1, 1))],
    "cross": [(f(B, 3), f(B, 3)), (f(B, 3), f(3)), (f(3, 4), f(3, 4), {"axis": 0}), (f(B, 2), f(B, 2))]
    + [(f(B, 2), f(B, 3))],
    "kron": [(f(2, 3), f(3, 2)), (f(2), f(3)), (f(2, 2), f(3))],
    "einsum": [
        (s, *(f(*p) for p in shapes))
        for s, *shapes in [
            ("bij,bjk->bik", (B, 2, 3), (B, 3, 4)),
            ("bi,ij->bj", (B, 3), (3, 2)),
            ("i,j->ij", (3,), (2,)),
            ("...i,ij->...j", (B, 2, 3), (3, 2)),
            ("bi,bi->b", (B, 3), (B, 3)),
            ("ij,jk", (2, 3), (3, 2)),
            ("bhqd,bhkd->bhqk", (B, 2, 3, 4), (B, 2, 2, 4)),
            ("ij,k->ik", (2, 3), (2,)),
            ("ii->i", (3, 3)),
            ("ij->ji", (2, 3)),
            ("ijk->", (2, 3, 2)),
            ("ij,jk,kl->il", (2, 3), (3, 2), (2, 4)),
            ("ii", (3, 3)),
        ]
    ],
}
# Keras on JAX fails where strides are left out.
POOLS = {
    "max_pool": [(f(B, 7, 3), 2, 2), (f(B, 5, 6, 2), (3, 2), 1, "same"), (f(0, 4, 4, 2), 2, 2), (f(1, 3, 3, 1), 3, 1)]
    + [(f(B, 2, 5, 4), 2, 2, {"data_format": "channels_first"}), (f(B, 3, 4, 2, 2), 2, (1, 2, 3), "same")],
    "average_pool": [(f(B, 7, 3), 2, 2), (f(B, 5, 6, 2), (3, 2), 1, "same"), (f(0, 4, 4, 2), 2, 2)]
    + [(f(B, 2, 5, 4), 2, 2, {"data_format": "channels_first"}), (f(B, 3, 4, 2, 2), 2, (1, 2, 3), "same")],
    "adaptive_max_pool": [(f(B, 7, 2), 3, "channels_last"), (f(B, 2, 5, 4), (2, 4), "channels_first")],
    "adaptive_average_pool": [(f(B, 7, 2), 3, "channels_last"), (f(B, 2, 5, 4), (2, 4), "channels_first")]
    + [(f(B, 2, 3, 1, 2), (1, 2, 3), "channels_last")],
}
CONVOLUTIONS = {
    "conv": [(f(B, 7, 3), f(3, 3, 4)), (f(B, 6, 5, 4), f(3, 2, 4, 6), 2, "same"), (f(B, 4, 4, 3, 2), f(2, 2, 2, 2, 3))]
    + [(f(B, 2, 6), f(3, 2, 4), 1, "SAME", "channels_first", 2), (f(B, 6, 5, 2), f(3, 2, 2, 3), (2, 1))],
    "depthwise_conv": [(f(B, 7, 3), f(3, 3, 2)), (f(B, 6, 5, 3), f(3, 2, 3, 1), 2, "same")]
    + [(f(B, 3, 6, 5), f(2, 2, 3, 2), {"data_format": "channels_first", "dilation_rate": 2})],
    "separable_conv": [(f(B, 6, 5, 3), f(3, 2, 3, 2), f(1, 1, 6, 4)), (f(B, 7, 3), f(3, 3, 1), f(1, 3, 2), 2, "same")]
    + [(f(B, 3, 6, 5), f(2, 2, 3, 2), f(1, 1, 6, 2), {"data_format": "channels_first", "dilation_rate": 2})],
    "conv_transpose": [(f(B, 5, 3), f(3, 4, 3)), (f(B, 3, 4, 2), f(3, 2, 3, 2), 2, "same")]
    + [(f(B, 3, 4, 2), f(2, 3, 3, 2), (3, 2), "valid", (1, 0)), (f(B, 2, 3, 2, 3), f(2, 2, 2, 4, 3), 2)]
    + [(f(B, 2, 5), f(3, 4, 2), {"data_format": "channels_first", "dilation_rate": 2, "padding": "same"})]
    + [(f(B, 5, 2), f(k, 3, 2), s, p) for k, s, p in ((2, 3, "same"), (4, 2, "same"), (1, 3, "valid"), (4, 3, "same"))],
}
TABLES = (POOLS, SHAPES, INDICES, MAKING, ORDER, MATRICES, CONVOLUTIONS)
