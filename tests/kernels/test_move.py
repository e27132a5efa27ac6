"""strided_copy and fill against NumPy's own strided views."""

import numpy as np
import pytest

from nbkeras.kernels import move
from tests.kernels.launch import launch

SIZES = {"u1": np.uint8, "i4": np.int32, "i8": np.int64}


def copy(out, x, shape, out_strides, x_strides, out_start=0, x_start=0, chunk=None):
    """strided_copy on flat buffers; strides in elements."""
    layout = np.array([*shape, *out_strides, *x_strides], np.int64)
    items = int(np.prod(shape[:-1]))
    code = f"{out.dtype.kind}{out.dtype.itemsize}"
    launch(move.strided_copy, code, out, x, layout, len(shape), out_start, x_start, items=items, chunk=chunk)


def elements(array):
    return [s // array.itemsize for s in array.strides]


def numbered(shape, dtype):
    return (np.arange(np.prod(shape)) % 251).astype(dtype).reshape(shape)


@pytest.mark.parametrize("dtype", SIZES.values())
@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (7, 3), (31, 33), (257, 17), (16, 257), (33, 1)])
@pytest.mark.parametrize("chunk", [None, 1, 5])
def test_transpose(shape, dtype, chunk):
    x = numbered(shape, dtype)
    out = np.zeros(shape[::-1], dtype)
    copy(out, x, out.shape, elements(out), elements(x.T), chunk=chunk)
    np.testing.assert_array_equal(out, x.T)


@pytest.mark.parametrize("axes", [(0, 1, 2, 3), (3, 2, 1, 0), (0, 2, 1, 3), (1, 3, 0, 2), (2, 0, 3, 1)])
@pytest.mark.parametrize("chunk", [None, 1, 7])
def test_transpose_of_four_axes(axes, chunk):
    x = numbered((3, 7, 2, 5), "i4")
    expected = x.transpose(axes)
    out = np.zeros(expected.shape, "i4")
    copy(out, x, out.shape, elements(out), elements(expected), chunk=chunk)
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("n", [1, 3, 7, 31, 33, 257])
def test_one_axis(n):
    x, out = numbered((n,), "i4"), np.zeros(n, "i4")
    copy(out, x, (n,), (1,), (1,))
    np.testing.assert_array_equal(out, x)
    copy(out, x, (n,), (1,), (-1,), x_start=n - 1)
    np.testing.assert_array_equal(out, x[::-1])
    copy(out, x, (n,), (1,), (0,), x_start=n - 1)
    np.testing.assert_array_equal(out, np.full(n, x[-1]))
    copy(out, x, (n,), (-1,), (1,), out_start=n - 1)
    np.testing.assert_array_equal(out, x[::-1])


def test_slice_pad_broadcast_and_flip():
    x = numbered((6, 9), "i8")
    view = x[1:5:2, 7:0:-3]
    out = np.zeros(view.shape, "i8")
    copy(out, x, view.shape, elements(out), elements(view), x_start=9 + 7)
    np.testing.assert_array_equal(out, view)

    padded = np.full((8, 12), -1, "i8")
    copy(padded, x, x.shape, elements(padded), elements(x), out_start=12 + 2)
    np.testing.assert_array_equal(padded, np.pad(x, ((1, 1), (2, 1)), constant_values=-1))

    wide = np.zeros((4, 6, 9), "i8")
    copy(wide, x, wide.shape, elements(wide), (0, *elements(x)))
    np.testing.assert_array_equal(wide, np.broadcast_to(x, wide.shape))
    tall = np.zeros((9, 6), "i8")
    copy(tall, x, tall.shape, elements(tall), (0, 9), x_start=3)
    np.testing.assert_array_equal(tall, np.broadcast_to(x[:, 3], tall.shape))


def test_bits_pass_unchanged():
    bits = np.array([0x7FC00001, 0x7F800001, 0x80000000, 1], np.uint32).view(np.int32)
    out = np.zeros(4, np.int32)
    copy(out, bits, (2, 2), (1, 2), (2, 1))
    np.testing.assert_array_equal(out, bits[[0, 2, 1, 3]])


def test_empty_shapes_touch_nothing():
    out = np.full(4, 9, np.int32)
    copy(out, out, (3, 0), (1, 1), (1, 1))
    copy(out, out, (0, 3), (1, 1), (1, 1))
    np.testing.assert_array_equal(out, 9)


@pytest.mark.parametrize(
    "code, dtype, value", [("f4", "f4", 2.5), ("f8", "f8", float("nan")), ("i8", "i8", -(2**40)), ("u1", "?", 1)]
)
def test_fill(code, dtype, value):
    for n in (1, 3, 7, 31, 33, 257):
        out = np.zeros(n + 1, dtype)
        launch(move.fill, code, out, value, items=n, chunk=100)
        np.testing.assert_array_equal(out[:n], np.full(n, value, dtype))
        assert out[n] == 0
