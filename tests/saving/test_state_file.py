"""The file of a training's state: what goes in comes out, and damage is always seen."""

import hashlib
import math
import struct

import numpy as np
import pytest

from nbkeras.errors import ArgumentTypeError, FileError
from nbkeras.saving import state_file


def same(one, other):
    if isinstance(one, np.ndarray):
        assert isinstance(other, np.ndarray) and one.dtype == other.dtype and one.shape == other.shape
        assert one.tobytes() == other.tobytes()
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key, value in one.items():
            same(value, other[key])
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            same(a, b)
    else:
        assert type(one) is type(other) and (one == other or (math.isnan(one) and math.isnan(other)))


STATE = {
    "numbers": [0, -1, 2**70, 0.1, -0.0, float("inf"), float("nan"), 1e-320, True, None, "ä\n\0"],
    "empty": [[], {}, np.zeros((0, 3), "float32")],
    "arrays": {str(d): np.arange(7).astype(d).reshape(7, 1) for d in state_file.DTYPES},
    "bits": np.array([np.nan, -0.0, np.inf, 1e-45], "float32"),
    "scalar": np.array(3, "int64"),
    "deep": {"a": [{"b": (1, [2.5])}]},
}


def test_the_history_of_a_very_long_training(tmp_path):
    """A state of one's own is as long as it is: limits for configurations of strangers do not hold for it."""
    state = {"epoch": list(range(300_000)), "loss": [1.0] * 300_000, "acc": [0.5] * 300_000}
    state_file.write(tmp_path / "a", state)
    assert state_file.read(tmp_path / "a") == state


def test_what_goes_in_comes_out(tmp_path):
    state_file.write(tmp_path / "a", STATE)
    same(STATE, state_file.read(tmp_path / "a"))
    state_file.write(tmp_path / "a", [np.float32(0.5), np.arange(6).reshape(2, 3).T])
    same([0.5, np.arange(6).reshape(2, 3).T], state_file.read(tmp_path / "a"))


@pytest.mark.parametrize(
    "thing", [object(), {1: 2}, {"__array__": 0}, {1, 2}, np.array(["a"]), np.zeros(2, "c8"), b"a"]
)
def test_other_things_are_refused_with_their_place(tmp_path, thing):
    with pytest.raises(ArgumentTypeError, match=r"state\['a'\]\[1\]: a .* cannot be kept in a file"):
        state_file.write(tmp_path / "a", {"a": [1, thing]})
    assert not (tmp_path / "a").exists()


def test_every_damage_is_seen(tmp_path):
    path = tmp_path / "a"
    state_file.write(path, STATE)
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    for size in [0, 7, 20, *rng.integers(0, len(data), 30)]:
        path.write_bytes(data[:size])
        with pytest.raises(FileError):
            state_file.read(path)
    for place in [0, 8, 20, len(data) - 1, *rng.integers(0, len(data), 60)]:
        changed = bytearray(data)
        changed[place] ^= 1 << rng.integers(8)
        path.write_bytes(changed)
        with pytest.raises(FileError, match=r"damaged|not the state of a training"):
            state_file.read(path)
    path.write_bytes(data + b"x")
    with pytest.raises(FileError):
        state_file.read(path)


@pytest.mark.parametrize(
    "text",
    [
        '{"values": {"__array__": 5}, "arrays": []}',
        '{"values": 1}',
        '[]',
        '{"values": 1, "arrays": [["object", [1], 0]]}',
        '{"values": 1, "arrays": [["float32", [1099511627776], 0]]}',
        '{"values": 1, "arrays": [["float32", [-1], 0]]}',
        '{"values": 1, "arrays": [["float32", [1], -64]]}',
        '{"values": 1, "arrays": [["float32", 3, 0]]}',
        '{"values": 1, "arrays": 7}',
    ],
)  # fmt: skip
def test_files_that_lie_with_a_right_checksum(tmp_path, text):
    body = state_file.MAGIC + struct.pack("<Q", len(text)) + text.encode()
    (tmp_path / "a").write_bytes(body + hashlib.sha256(body).digest())
    with pytest.raises(FileError):
        state_file.read(tmp_path / "a")
