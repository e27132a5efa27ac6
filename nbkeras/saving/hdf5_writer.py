"""HDF5 files as pieces of memory: the file's structure is made by h5py, the arrays stay where they are.

There is never a half-written file, HDF5 never meets a full disk, which it does not survive, and what takes most of the
bytes is not copied before it is written.
"""

from __future__ import annotations

import os

import numpy as np

from nbkeras import device

#: Bytes of structure that are kept together; smaller arrays are a part of it.
PAGE = 4096


class Pieces:
    """An HDF5 file that is being written.

    Attributes:
        file: the open `h5py.File`; groups and attributes are made with it.

    Example:
        >>> import h5py, io
        >>> pieces = Pieces()
        >>> pieces.write(pieces.file.create_group("layers"), "w", np.arange(1000.0))
        >>> with h5py.File(io.BytesIO(b"".join(pieces.close()))) as file:
        ...     file["layers/w"][-2:]
        array([998., 999.])
    """

    def __init__(self):
        import h5py

        self._structure = _Structure()
        self.file = h5py.File(self._structure, "w")
        self._arrays: list[tuple[int, np.ndarray]] = []
        self._layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        self._layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        self._layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)

    def write(self, group, key: str, value) -> None:
        """Make a data set of an array or variable, which must not change before the file is written."""
        if hasattr(value, "assign"):
            # Not numpy(), which copies.
            value = device.backend().to_host(value.array)
        array = np.asarray(value)
        if array.dtype.kind not in "fiu" or array.nbytes < PAGE:
            group.create_dataset(key, data=array)
            return
        made = group.create_dataset(key, array.shape, array.dtype, dcpl=self._layout)
        self._arrays.append((made.id.get_offset(), np.ascontiguousarray(array)))

    def close(self) -> list[memoryview]:
        """End the file: its bytes, one piece after another."""
        self.file.close()
        pieces, at = [], 0
        for start, array in sorted(self._arrays, key=lambda pair: pair[0]):
            pieces += [memoryview(self._structure.part(at, start - at)), memoryview(array.reshape(-1).view(np.uint8))]
            at = start + array.nbytes
        pieces.append(memoryview(self._structure.part(at, self._structure.size - at)))
        return [piece for piece in pieces if len(piece)]


class _Structure:
    """A file in memory for h5py, of which only the pages that are written take any."""

    def __init__(self):
        self.size = self._at = 0
        self._pages: dict[int, bytearray] = {}

    def seek(self, offset, whence=os.SEEK_SET):
        self._at = offset + (self.size if whence == os.SEEK_END else 0)
        return self._at

    def tell(self):
        return self._at

    def write(self, data):
        data = memoryview(data).cast("B")
        for place, page, within in self._stretches(self._at, len(data)):
            self._pages.setdefault(page, bytearray(PAGE))[within] = data[place : place + within.stop - within.start]
        self._at += len(data)
        self.size = max(self.size, self._at)
        return len(data)

    def read(self, count):
        found = self.part(self._at, max(0, min(count, self.size - self._at)))
        self._at += len(found)
        return bytes(found)

    def part(self, start, count) -> bytearray:
        """The bytes at a place; zeros where none were written."""
        found = bytearray(count)
        for place, page, within in self._stretches(start, count):
            if page in self._pages:
                found[place : place + within.stop - within.start] = self._pages[page][within]
        return found

    def truncate(self, size):
        self.size = size

    def flush(self):
        """Nothing to do: nothing waits."""

    @staticmethod
    def _stretches(start, count):
        """What a stretch of bytes has in each page: the place in the stretch, the page, the places in the page."""
        at = start
        while at < start + count:
            page, first = divmod(at, PAGE)
            last = min(PAGE, first + start + count - at)
            yield at - start, page, slice(first, last)
            at += last - first
