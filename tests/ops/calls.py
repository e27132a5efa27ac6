"""The table: for each function of `ops` some calls, as tuples of arguments; a dict at the end holds keywords."""

from __future__ import annotations

import numpy as np

from tests.ops.draw import ROWS as B
from tests.ops.draw import b, f, holes, i, nan, nz, pos, prob, u, unit

UNARY = {
    name: [(f(B, 3),), (i(B, 2),), (b(B, 2),), (f(),), (f(0, 3),), (0.5,), (nan(B, 2),)]
    for name in "absolute abs negative sign square tanh sin cos exp expm1 erf floor ceil relu relu6 sigmoid softplus "
    "softsign silu swish log_sigmoid leaky_relu hard_sigmoid hard_silu hard_swish hard_tanh elu selu celu gelu "
    "tanh_shrink soft_shrink hard_shrink squareplus sparse_plus sparse_sigmoid isnan isfinite isinf isposinf isneginf "
    "signbit trunc fabs real conj conjugate isreal nan_to_num arctan sinh cosh arcsinh tan deg2rad rad2deg exp2 cbrt "
    "sinc round copy stop_gradient ravel zeros_like ones_like empty_like nansum nanmean nanmax nanmin nanprod".split()
}
# Keras on JAX refuses what has no sense to it; the functions here take every number.
for _name in "negative sign round log_sigmoid".split():
    del UNARY[_name][2]
for _name in "erf sigmoid silu swish".split():
    del UNARY[_name][1:3]
for _name in ("nanmean", "nanmax", "nanmin"):
    del UNARY[_name][4]  # nothing to reduce
UNARY |= {
    name: [(pos(B, 3),), (nz(B, 2) ** 2,), (f(B, 2),), (2,)]
    for name in "log log1p log2 log10 sqrt rsqrt reciprocal arccosh".split()
}
del UNARY["rsqrt"][1::2]
UNARY |= {name: [(unit(B, 3),), (i(B, 2, low=-1, high=2),)] for name in "arcsin arccos arctanh erfinv".split()}

BROADCAST = [(B, 3), (3,)], [(B, 1), (1, 4)], [(), (B, 2)], [(B, 2, 3), (2, 1)], [(0, 3), (3,)]
BINARY = {
    name: [(f(*p), f(*q)) for p, q in BROADCAST]
    + [(f(B, 2), 2), (2.5, f(B, 2)), (i(B, 2), i(2)), (i(B, 2), 1.5), (i(B, 2), f(2)), (u(B, 2), i(2))]
    + [(b(B, 2), i(2))]
    + [(b(B, 2), b(B, 2)), (nan(B, 2), f(2))]
    for name in "add multiply maximum minimum equal not_equal less less_equal greater greater_equal logical_and "
    "logical_or logical_xor logaddexp logaddexp2 arctan2 hypot fmax fmin isclose heaviside".split()
}
BINARY["isclose"] += [(nan(B, 2), nan(B, 2), {"equal_nan": True}), (f(B, 2), f(B, 2), {"atol": 0.5, "rtol": 0.1})]
BINARY["subtract"] = BINARY["add"][:-2]
_DIVIDE = [(f(*p), pos(*q)) for p, q in BROADCAST] + [(f(B, 2), 2), (2.5, pos(B, 2)), (i(B, 2), 1.5)]
BINARY |= {
    name: [*_DIVIDE, (i(B, 2), nz(2)), (nz(B, 2), nz(B, 2)), (nz(B, 2), -pos(2)), (f(B, 2), -2.0)]
    for name in "divide true_divide floor_divide mod fmod divide_no_nan".split()
}
BINARY["divide_no_nan"] += [(f(B, 2), i(B, 2)), (b(B, 2), b(B, 2))]
BINARY["power"] = [(pos(*p), f(*q)) for p, q in BROADCAST]
BINARY["power"] += [(f(B, 2), p) for p in (1, 2, 3, -1, 2.0)] + [(pos(B, 2), 0.5), (i(B, 2), 2), (2, i(B, 2, low=0))]
BINARY["power"] += [(i(B, 2), 0.5), (u(B, 2), 2), (i(B, 2), i(B, 2, low=0)), (f(B, 2), 0), (i(B, 2), 2.0)]

AXES = [{}, {"axis": 0}, {"axis": -1}, {"axis": (0, 2)}, {"axis": 1, "keepdims": True}, {"keepdims": True}]
REDUCE = {
    name: [(f(B, 3, 2), k) for k in AXES]
    + [(i(B, 3),), (b(B, 3), {"axis": 1}), (u(B, 3), {"axis": -1}), (f(),), (2.5,), (nan(B, 3), {"axis": 1})]
    for name in "sum prod mean var std max min amax amin any all logsumexp ptp nanvar nanstd median".split()
}
for _name in ("ptp", "nanvar", "nanstd", "median"):
    REDUCE[_name] = REDUCE[_name][:7]
REDUCE |= {
    name: [(f(B, 3, 2),), (f(B, 3, 2), {"axis": 1}), (i(B, 4), {"axis": -1, "keepdims": True})]
    + [(b(B, 3), {"axis": 0})]
    for name in "argmax argmin nanargmax nanargmin".split()
}
for _name in "nansum nanmean nanmax nanmin nanprod nanvar nanstd nanargmax nanargmin".split():
    REDUCE.setdefault(_name, []).extend([(holes(B, 4), {"axis": 1}), (holes(B, 4), {"axis": 0})])
    REDUCE[_name] += [(holes(B, 4), {"axis": 1, "keepdims": True})] + UNARY.pop(_name, [])
for _name in ("sum", "prod", "any", "all"):
    REDUCE[_name] += [(f(B, 0), {"axis": 1}), (f(0, 3), {"axis": 0})]

LOGITS, CLASSES = f(B, 4), i(B, low=0, high=4)
NETWORK = {
    "softmax": [(f(B, 4),), (f(B, 3, 2), {"axis": 1}), (f(B, 3, 2), {"axis": (1, 2)}), (f(3,),)]
    + [(f(B, 2), {"axis": None})],
    "sparse_categorical_crossentropy": [(CLASSES, prob(B, 4)), (CLASSES, LOGITS, {"from_logits": True})]
    + [(i(B, 1, low=0, high=4), prob(B, 4)), (i(B, 2, low=0, high=4), prob(B, 2, 4))],
    "categorical_crossentropy": [(prob(B, 4), prob(B, 4)), (prob(B, 4), LOGITS, {"from_logits": True})]
    + [(prob(B, 3, 2), f(B, 3, 2), {"from_logits": True, "axis": 1})],
    "binary_crossentropy": [(b(B, 3).astype("float32"), prob(B, 3)), (prob(B, 2), f(B, 2), {"from_logits": True})],
    "normalize": [(f(B, 3),), (f(B, 3), {"axis": 0}), (f(B, 3), {"order": 1}), (f(B, 3), {"order": 3})]
    + [(np.zeros((B, 2), "float32"),), (f(B, 3, 2), {"axis": 1, "epsilon": 0.5})],
    "multi_hot": [(i(B, 3, low=0, high=4), {"num_classes": 5})]
    + [(i(3, low=0, high=4), {"num_classes": 5, "dtype": "int32"})],
    "one_hot": [(CLASSES, 4), (i(B, 3), 4, {"axis": 1}), (i(B, 3), 4, {"axis": 0}), (CLASSES, 4, {"dtype": "bool"})],
    "batch_normalization": [(f(B, 3), f(3), pos(3), -1), (f(B, 3, 2), f(3), pos(3), 1, f(3), f(3), 0.1)],
    "layer_normalization": [(f(B, 4),), (f(B, 3, 2), f(3, 2), f(3, 2), (1, 2)), (f(B, 3), f(3), f(3), -1, 0.1)],
    "rms_normalization": [(f(B, 4),), (f(B, 4), f(4)), (f(B, 3, 2), None, (1, 2), 0.1)],
    "log_softmax": [(f(B, 4),), (f(B, 3, 2), {"axis": 1}), (f(B, 2), {"axis": None})],
    "logical_not": [(b(B, 3),), (f(B, 3),), (i(B, 2),)],
    "glu": [(f(B, 4),), (f(B, 2, 3), {"axis": 1})],
    "threshold": [(f(B, 3), 0.3, 7.0), (f(B, 3), -1, 2)],
    "moments": [(f(B, 3, 2), (0, 1)), (f(B, 3), (1,), {"keepdims": True})],
    "in_top_k": [(CLASSES, f(B, 4), 2), (CLASSES, f(B, 4), 1), (CLASSES, np.ones((B, 4), "float32"), 1)],
    "celu": [(f(B, 3), 0.5)],
    "elu": [(f(B, 3), 0.5)],
    "gelu": [(f(B, 3), {"approximate": False})],
    "leaky_relu": [(f(B, 3), {"negative_slope": 0.4})],
    "squareplus": [(f(B, 3), {"b": 2})],
    "round": [(f(B, 3), 1), (f(B, 3) * 100, -1), (i(B, 2), 1)],
    "nan_to_num": [(nan(B, 3), {"nan": 1.0, "posinf": 2.0, "neginf": -3.0})],
    "clip": [(f(B, 3), -0.5, 0.5), (i(B, 3), 0, 2), (f(B, 3), f(3), 2), (i(B, 3), 0.5, 2.5), (u(B, 2), 1, 3)],
    "saturate_cast": [(f(B, 3) * 1000, "uint8"), (i(B, 3) * 100, "int8"), (i(B, 3), "uint8"), (f(B, 3), "float32")],
    "cast": [(f(B, 3) * 3, "int32"), (i(B, 3), "float32"), (f(B, 3), "bool"), (b(B, 3), "float32")]
    + [(i(B, 3), "uint8")],
    "where": [(b(B, 3), f(B, 3), f(3)), (b(B, 1), 1, 2.5), (f(B, 2), i(2), f(B, 2)), (b(B, 2), b(B, 2), 3)],
    "select": [([b(B, 2), b(B, 2)], [f(B, 2), i(B, 2)], 7), ([b(B, 2)], [f(B, 2)])],
}
TABLES = (UNARY, BINARY, REDUCE, NETWORK)
