"""Softmax and log-softmax over rows."""

from nbkeras.kernels import scalars
from nbkeras.kernels._jit import kernel
from nbkeras.kernels.folds import MAXIMUM, SUM, row_loop
from nbkeras.kernels.lanes import address_of
from nbkeras.kernels.stack import offset

#: row_max(like, _, x, _, count): the greatest of a row.
row_max = row_loop(lambda x, _: x, MAXIMUM, stores=False)
#: row_exp(like, y, x, top, count): y = exp(x - top); the sum of y.
row_exp = row_loop(lambda x, top: scalars.exp.trace(x - top), SUM)
#: row_scale(like, y, x, factor, count): y = x * factor.
row_scale = row_loop(lambda x, factor: x * factor)
#: row_shift(like, y, x, shift, count): y = x - shift.
row_shift = row_loop(lambda x, shift: x - shift)
#: row_exp_sum(like, _, x, top, count): the sum of exp(x - top).
row_exp_sum = row_loop(lambda x, top: scalars.exp.trace(x - top), SUM, stores=False)


@kernel
def softmax(y: "T n*c", x: "T n*c", n: "i8", c: "i8", log: "i8", lo, hi):
    """y = exp(x - max x) / sum exp(x - max x), by rows; its logarithm where log is 1. In place is fine.

    Items: rows.
    """
    for row in range(lo, hi):
        source = address_of(offset(x, row * c))
        target = address_of(offset(y, row * c))
        top = row_max(x, source, source, x[row * c], c)
        if log == 1:
            total = row_exp_sum(x, source, source, top, c)
            row_shift(x, target, source, top, c)
            row_shift(x, target, target, scalars.log(total), c)
        else:
            total = row_exp(x, target, source, top, c)
            row_scale(x, target, target, scalars.reciprocal(total), c)
