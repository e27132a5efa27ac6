"""What users compute with: one function serves arrays (at once), symbols (traced) and Keras tensors (recorded)."""

from nbkeras.ops import image, linalg, nn, numpy
from nbkeras.ops.activating import mish
from nbkeras.ops.common import is_tensor
from nbkeras.ops.core import (
    associative_scan,
    cond,
    convert_to_numpy,
    convert_to_tensor,
    dtype,
    fori_loop,
    map,
    scan,
    shape,
    stop_gradient,
    switch,
    vectorized_map,
    while_loop,
)
from nbkeras.ops.derivatives import custom_gradient
from nbkeras.ops.elementwise import cast, rsqrt
from nbkeras.ops.factoring import logdet
from nbkeras.ops.fourier import fft, fft2, ifft2, irfft, istft, rfft, stft
from nbkeras.ops.indexing import getitem, scatter, scatter_update, slice, slice_update
from nbkeras.ops.linalg import *
from nbkeras.ops.measuring import cdist
from nbkeras.ops.nn import *
from nbkeras.ops.numpy import *
from nbkeras.ops.ordering import in_top_k, top_k
from nbkeras.ops.products import affine
from nbkeras.ops.rearranging import extract_sequences, rearrange
from nbkeras.ops.reducing import logsumexp
from nbkeras.ops.segments import segment_max, segment_min, segment_prod, segment_sum
from nbkeras.ops.shaping import unstack
from nbkeras.ops.trigonometry import erf, erfc, erfinv
from nbkeras.ops.values import saturate_cast

__all__ = [
    "affine",
    "associative_scan",
    "cast",
    "cdist",
    "cond",
    "convert_to_numpy",
    "convert_to_tensor",
    "custom_gradient",
    "dtype",
    "erf",
    "erfc",
    "erfinv",
    "extract_sequences",
    "fft",
    "fft2",
    "fori_loop",
    "getitem",
    "ifft2",
    "image",
    "in_top_k",
    "irfft",
    "is_tensor",
    "istft",
    "linalg",
    "logdet",
    "logsumexp",
    "map",
    "mish",
    "nn",
    "numpy",
    "rearrange",
    "rfft",
    "rsqrt",
    "saturate_cast",
    "scan",
    "scatter",
    "scatter_update",
    "segment_max",
    "segment_min",
    "segment_prod",
    "segment_sum",
    "shape",
    "slice",
    "slice_update",
    "stft",
    "stop_gradient",
    "switch",
    "top_k",
    "unstack",
    "vectorized_map",
    "while_loop",
    *sorted({*linalg.__all__, *nn.__all__, *numpy.__all__}),
]
