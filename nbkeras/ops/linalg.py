"""Linear algebra, with the names of `keras.ops.linalg`."""

from nbkeras.ops.derivatives import (
    jvp,
)
from nbkeras.ops.factoring import (
    cholesky,
    cholesky_inverse,
    det,
    eigh,
    inv,
    lstsq,
    lu_factor,
    matrix_rank,
    pinv,
    qr,
    solve,
    solve_triangular,
    svd,
)
from nbkeras.ops.reducing import (
    norm,
)

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "det",
    "eigh",
    "inv",
    "jvp",
    "lstsq",
    "lu_factor",
    "matrix_rank",
    "norm",
    "pinv",
    "qr",
    "solve",
    "solve_triangular",
    "svd",
]
