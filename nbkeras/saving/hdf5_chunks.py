"""Arrays that lie in an HDF5 file in chunks, compressed by gzip and shuffled or as they are.

Keras writes none; tools that compress a file of weights afterwards do, such as `h5repack -f GZIP=9`.

Source: the HDF5 File Format Specification, version 3.0: data layout version 3, B-trees version 1, filters 1 and 2.
"""

from __future__ import annotations

import itertools
import math
import struct
import zlib

import numpy as np

from nbkeras.errors import FileError

DEFLATE, SHUFFLE = 1, 2

#: What a file claims to expand to beyond this many bytes and this many times its size is a bomb.
MOST_INFLATED, MOST_EXPANSION = 24 * 2**20, 4

MOST_CHUNKS, MOST_LEVELS = 100_000, 8


def filters(file, body: bytes, name: str) -> list[int]:
    """What was done to each chunk, in order."""
    found, at = [], 8 if body[:1] == b"\x01" else 2
    if len(body) < 2 or body[0] not in (1, 2):
        file.refuse(f"the filters of {name!r}")
    for _ in range(body[1]):
        number, length, _, count = struct.unpack_from("<4H", body.ljust(at + 8, b"\0"), at)
        if number not in (DEFLATE, SHUFFLE):
            file.refuse(f"data of {name!r} that went through filter {number}")
        if body[0] == 1:
            at += 8 + -(-length // 8) * 8 + 4 * (count + count % 2)
        else:  # No names of filters that all know.
            _, count = struct.unpack_from("<2H", body.ljust(at + 6, b"\0"), at + 2)
            at += 6 + 4 * count
        found.append(number)
    return found


class Chunks:
    """The chunks of one array.

    Args:
        file: the `Hdf5`.
        tree: where the list of chunks is.
        chunk: the lengths of a chunk's axes.
        filters: what was done to each.
        shape, dtype: of the array.
        name: of the array.

    Raises:
        FileError: the chunks are too many, or claim more memory than a file of this size may.
    """

    def __init__(self, file, tree: int, chunk: tuple, filters: list[int], shape: tuple, dtype: np.dtype, name: str):
        self.file, self.tree, self.chunk, self.filters = file, tree, chunk, filters
        self.shape, self.dtype, self.name = shape, dtype, name
        if len(chunk) != len(shape) or not all(chunk):
            self._damaged("chunks of another rank")
        self.counts = [-(-n // c) for n, c in zip(shape, chunk, strict=True)]
        self.count = math.prod(self.counts)
        self.nbytes = math.prod(chunk) * dtype.itemsize
        if self.count > MOST_CHUNKS:
            file.refuse(f"an array of {self.count} chunks, {name!r},")
        file.claim(self.count * self.nbytes, name)

    def _damaged(self, why: str):
        raise FileError(f"file {self.file.source.name!r} is damaged: {self.name!r} has {why}.")

    def read(self) -> np.ndarray:
        """The whole array.

        Raises:
            FileError: a chunk is missing or damaged.
        """
        array = np.empty(self.shape, self.dtype)
        places: dict[tuple, tuple] = {}
        if self.count:
            self._walk(self.tree, places, MOST_LEVELS)
        for place in itertools.product(*map(range, self.counts)):
            start = tuple(i * c for i, c in zip(place, self.chunk, strict=True))
            if start not in places:
                self._damaged("a gap: not all of it was written")
            within = tuple(slice(s, s + c) for s, c in zip(start, self.chunk, strict=True))
            target = array[within]
            target[...] = self._one(*places[start])[tuple(slice(n) for n in target.shape)]
        return array

    def _walk(self, address: int, places: dict, levels: int) -> None:
        """Follow the tree down to the places of the chunks."""
        head = self.file.read(address, 24)
        kind, level, used = struct.unpack_from("<BBH", head, 4)
        if head[:4] != b"TREE" or kind != 1 or levels == 0 or len(places) > self.count:
            self._damaged("a broken list of chunks")
        rank = len(self.shape)
        size = 8 + 8 * (rank + 1)
        entries = self.file.read(address + 24, used * (size + 8))
        for at in range(0, len(entries), size + 8):
            stored, skipped, *start = struct.unpack_from(f"<2I{rank}Q", entries, at)
            (child,) = struct.unpack_from("<Q", entries, at + size)
            if level:
                self._walk(child, places, levels - 1)
            else:
                places[tuple(start)] = (child, stored, skipped)

    def _one(self, address: int, stored: int, skipped: int) -> np.ndarray:
        data = self.file.source.read(address, stored)
        for i in reversed(range(len(self.filters))):
            if skipped & 1 << i:
                continue
            data = self._inflated(data) if self.filters[i] == DEFLATE else self._in_order(data)
        if len(data) != self.nbytes:
            self._damaged("a chunk of another size")
        return np.frombuffer(data, self.dtype).reshape(self.chunk)

    def _inflated(self, data: bytes) -> bytes:
        inflater = zlib.decompressobj()
        try:
            found = inflater.decompress(data, self.nbytes + 1)
        except zlib.error as error:
            raise FileError(f"file {self.file.source.name!r} is damaged: {self.name!r}: {error}.") from error
        if not inflater.eof:
            self._damaged("a chunk of another size")
        return found

    def _in_order(self, data: bytes) -> bytes:
        """Undo a shuffle: first all numbers' first bytes, then all second ones, and so on."""
        if len(data) % self.dtype.itemsize:
            self._damaged("a chunk of another size")
        return np.frombuffer(data, np.uint8).reshape(self.dtype.itemsize, -1).T.tobytes()
