"""HDF5 files in pieces: what h5py reads from them, and what the reader here does."""

import io

import h5py
import numpy as np
import pytest

from nbkeras.saving.byte_source import Bytes
from nbkeras.saving.hdf5 import Hdf5
from nbkeras.saving.hdf5_writer import PAGE, Pieces


def arrays(rng):
    """Arrays of all kinds that are written: empty, scalar, about a page, large, in other orders of axes and bytes."""
    shapes = [(), (0, 3), (5,), (PAGE // 4 - 1,), (PAGE // 4,), (PAGE // 4 + 1,), (70, 90), (1, 4000, 1)]
    for number, shape in enumerate(shapes):
        for dtype in ("float16", "float32", "float64", "int8", "uint16", "int64", "bool", ">f4"):
            yield f"{number}{dtype}", np.asarray(rng.normal(size=shape) * 9).astype(dtype)
    yield "columns", np.asfortranarray(rng.normal(size=(60, 40)))
    yield "strided", rng.normal(size=(60, 90))[::2, ::-3]


@pytest.mark.parametrize("groups", [1, 12])
def test_all_arrays_come_back(groups):
    made, expected = Pieces(), {}
    for number in range(groups):
        group = made.file.require_group(f"layers/l{number}").create_group("vars")
        group.attrs["name"] = f"l{number}"
        for key, value in arrays(np.random.default_rng(number)):
            made.write(group, key, value)
            expected[f"layers/l{number}/vars/{key}"] = value
    data = b"".join(made.close())
    read = {name: found for name, found in Hdf5(Bytes(data, "a")).root.datasets() if "bool" not in name}
    with h5py.File(io.BytesIO(data)) as file:
        for name, value in expected.items():
            assert file[name].dtype == value.dtype and file[name].shape == value.shape
            np.testing.assert_array_equal(file[name][()], value)
            if name in read:
                np.testing.assert_array_equal(read[name].read(), value)
        assert file["layers/l0/vars"].attrs["name"] == "l0"
    assert len(read) == sum("bool" not in name for name in expected)


def test_large_arrays_are_not_copied():
    made, value = Pieces(), np.arange(10.0 * PAGE)
    made.write(made.file, "large", value)
    made.write(made.file, "small", value[:3])
    pieces = made.close()
    assert sum(len(piece) for piece in pieces) < value.nbytes + 16 * PAGE
    assert any(np.shares_memory(np.frombuffer(piece, np.uint8), value) for piece in pieces)
