"""A reader of HDF5 files that strangers made.

It knows the part of the format that Keras and TensorFlow write: groups, whole arrays of plain numbers, attributes of
numbers and strings; and what compressing such a file makes of it. All that makes HDF5 dangerous to read is not there to
be misused: links to other files, data in other files, virtual data sets, other filters, objects and references raise a
`FileError`. Shapes are known and are held against the file's size before anything is allocated, and every walk through
the file ends, whatever its bytes say.

Why not h5py: version 3.16 (HDF5 2.0.0), opened and walked with the same checks (hard links only, no virtual, external
or chunked data, a limit on sizes), died of a segmentation fault in 4 of 10,000 random mutations of a weights file of
29 kB, and hung in 1: checks in Python come too late for what the C library does with a file's bytes.

Source: the HDF5 File Format Specification, version 3.0: superblocks 0 and 1, object headers of version 1.
"""

from __future__ import annotations

import struct

import numpy as np

from nbkeras import device
from nbkeras.errors import FileError
from nbkeras.saving import hdf5_messages as messages
from nbkeras.saving.byte_source import Bytes
from nbkeras.saving.hdf5_chunks import MOST_EXPANSION, MOST_INFLATED, Chunks, filters

SIGNATURE = b"\x89HDF\r\n\x1a\n"
UNDEFINED = 2**64 - 1

#: No file of a model has a group with more members, deeper trees, or longer names.
MOST_MEMBERS, MOST_LEVELS, LONGEST_NAME = 1_000_000, 16, 4096


class Hdf5:
    """An HDF5 file; `root` is its first group.

    Args:
        source: the file's bytes.

    Raises:
        FileError: it is no such file, or of a version that neither Keras nor TensorFlow writes.
    """

    def __init__(self, source: Bytes):
        self.source = source
        # A file that points back at itself would be read for ever: its structure may cost a few times its size.
        self._left = 4 * source.size + 2**20
        self._inflated = 0
        # The last one that was asked for: strings lie in the order in which they are read.
        self._heap: tuple[int | None, dict[int, tuple[int, int]]] = (None, {})
        head = source.read(0, 96) if source.size >= 96 else b""
        if head[:8] != SIGNATURE:
            raise FileError(f"file {source.name!r} is no HDF5 file.", next="check that it was copied whole.")
        version, widths, start = head[8], head[13:15], 24 + 4 * (head[8] == 1)
        if version > 1 or widths != b"\x08\x08":
            self.refuse(f"superblock version {version}")
        base, _, end, _ = struct.unpack_from("<4Q", head, start)
        if base != 0 or end > source.size:
            raise FileError(f"file {source.name!r} is cut off: it has {source.size} bytes and should have {end}.")
        (root,) = struct.unpack_from("<Q", self.read(start + 32, 16), 8)
        self.root = Group(self, root, "/")

    def refuse(self, what: str):
        """Raise: this file holds something that is not read."""
        raise FileError(
            f"file {self.source.name!r}: {what} is not read.",
            next="plain arrays in groups are, in the older format; save the weights with Keras or nbkeras, or try "
            "h5repack --low=0 --high=0.",
        )

    def read(self, start: int, count: int) -> bytes:
        """Bytes of the file's structure."""
        self._left -= count
        if self._left < 0:
            self.refuse("a structure without an end")
        return self.source.read(start, count)

    def claim(self, count: int, name: str) -> None:
        """Note that an array takes memory that the file does not have to have bytes for.

        Raises:
            FileError: all of them together are too large for a file of this size.
        """
        self._inflated += count
        if self._inflated > max(MOST_INFLATED, MOST_EXPANSION * self.source.size):
            self.refuse(f"compressed data of {self._inflated} bytes up to {name!r}, in a file of {self.source.size},")

    def messages(self, address: int) -> list[tuple[int, bytes]]:
        """The messages of an object's header, as pairs of a type and its bytes."""
        version, _, _, _, size = struct.unpack("<BBHII", self.read(address, 12))
        if version != 1:
            self.refuse("an object header of a newer version")
        blocks, found = [(address + 16, size)], []
        for start, length in blocks:
            data, at = self.read(start, length), 0
            while at + 8 <= length:
                kind, count, flags = struct.unpack_from("<HHB", data, at)
                body = data[at + 8 : at + 8 + count]
                if len(body) < count:
                    raise FileError(f"file {self.source.name!r} is damaged: a message is longer than its header.")
                if flags & 2 and kind != messages.CONTINUATION:
                    self.refuse("a shared message")
                if kind == messages.CONTINUATION:
                    if count < 16:
                        raise FileError(f"file {self.source.name!r} is damaged: a continuation is cut off.")
                    blocks.append(struct.unpack_from("<QQ", body))
                else:
                    found.append((kind, body))
                at += 8 + count
        return found

    def heap_object(self, address: int, index: int) -> bytes:
        """An object of a global heap: where strings of any length lie."""
        if address != self._heap[0]:
            self._heap = (address, self._heap_objects(address))
        if index not in self._heap[1]:
            raise FileError(f"file {self.source.name!r} is damaged: heap object {index} is missing.")
        return self.read(*self._heap[1][index])

    def _heap_objects(self, address: int) -> dict[int, tuple[int, int]]:
        """The objects of a global heap: place and size, by number."""
        signature, size = struct.unpack("<4s4xQ", self.read(address, 16))
        if signature != b"GCOL":
            raise FileError(f"file {self.source.name!r} is damaged: no heap at {address}.")
        at, end, found = address + 16, address + size, {}
        while at + 16 <= end:
            number, _, length = struct.unpack("<HH4xQ", self.read(at, 16))
            if number == 0:  # the free space behind all objects
                break
            found.setdefault(number, (at + 16, length))
            at += 16 + -(-length // 8) * 8
        return found


class Node:
    """What groups and data sets have in common: a header and attributes.

    Attributes:
        name: the path within the file.
    """

    def __init__(self, file: Hdf5, address: int, name: str, found=None):
        self.file, self.address, self.name = file, address, name
        self._messages = file.messages(address) if found is None else found

    @property
    def attrs(self) -> dict:
        """The attributes: strings, numbers, and arrays of them."""
        found = {}
        for kind, body in self._messages:
            if kind == messages.ATTRIBUTE:
                name, value = messages.attribute(self.file, body)
                found[name] = value
            elif kind == messages.ATTRIBUTE_INFO:
                self.file.refuse("an object with very many attributes")
        return found


class Group(Node):
    """A group: names and what they stand for.

    Example:
        >>> import h5py, io, numpy as np
        >>> buffer = io.BytesIO()
        >>> with h5py.File(buffer, "w") as file:
        ...     file["layers/w"] = np.arange(3.0)
        >>> Hdf5(Bytes(buffer.getvalue(), "a")).root.get("layers/w").read()
        array([0., 1., 2.])
    """

    def __init__(self, file: Hdf5, address: int, name: str, found=None):
        super().__init__(file, address, name, found)
        self._addresses: dict[str, int] | None = None
        self._children: dict[str, Node] = {}

    def members(self) -> dict[str, int]:
        """name -> address of the object, in the file's order."""
        if self._addresses is None:
            self._addresses = {}
            found = [body for kind, body in self._messages if kind == messages.SYMBOL_TABLE]
            if not found:
                self.file.refuse(f"the way in which group {self.name!r} lists its members")
            tree, heap = struct.unpack("<QQ", self._fixed(found[0], 16))
            signature, size, data = struct.unpack("<4s4xQ8xQ", self.file.read(heap, 32))
            if signature != b"HEAP":
                self._damaged()
            self._walk(tree, self.file.read(data, size), set(), MOST_LEVELS)
        return self._addresses

    def _fixed(self, body: bytes, count: int) -> bytes:
        if len(body) < count:
            self._damaged()
        return body[:count]

    def _damaged(self):
        raise FileError(f"file {self.file.source.name!r} is damaged: the list of members of {self.name!r} is broken.")

    def _walk(self, address: int, names: bytes, seen: set, levels: int) -> None:
        """Follow a tree of nodes down to the lists of members."""
        if address in seen or levels == 0:
            self._damaged()
        seen.add(address)
        read = self.file.read
        head = read(address, 8)
        if head[:4] == b"TREE":
            kind, _, used = struct.unpack_from("<BBH", head, 4)
            if kind != 0:
                self._damaged()
            children = struct.unpack(f"<{2 * used}Q", read(address + 24, 16 * used))[1::2]
            for child in children:
                self._walk(child, names, seen, levels - 1)
        elif head[:4] == b"SNOD":
            (used,) = struct.unpack_from("<H", head, 6)
            entries = read(address + 8, 40 * used)
            for at in range(0, 40 * used, 40):
                offset, target, cached = struct.unpack_from("<QQI", entries, at)
                end = names.find(b"\0", offset, offset + LONGEST_NAME)
                if end < 0:
                    self._damaged()
                name = names[offset:end].decode("utf-8", "replace")
                if cached == 2 or target == UNDEFINED:
                    self.file.refuse(f"the link {name!r}")
                if len(self._addresses) >= MOST_MEMBERS or name in self._addresses:
                    self._damaged()
                self._addresses[name] = target
        else:
            self._damaged()

    def __contains__(self, path: str) -> bool:
        return self.find(path) is not None

    def find(self, path: str):
        """The group or data set at a path, None if there is none."""
        node = self
        for name in path.split("/"):
            if name == "":
                continue
            if not isinstance(node, Group) or name not in node.members():
                return None
            node = node.child(name)
        return node

    def get(self, path: str):
        """The group or data set at a path.

        Raises:
            FileError: there is none.
        """
        node = self.find(path)
        if node is None:
            raise FileError(f"file {self.file.source.name!r} has no {path!r} in {self.name!r}.")
        return node

    def child(self, name: str):
        """The member of a name."""
        if name not in self._children:
            address = self.members()[name]
            found = self.file.messages(address)
            kind = Dataset if any(number == messages.LAYOUT for number, _ in found) else Group
            self._children[name] = kind(self.file, address, f"{self.name.rstrip('/')}/{name}", found)
        return self._children[name]

    def datasets(self, levels: int = 64):
        """All data sets below, each once, with their paths relative to this group."""
        yield from self._datasets("", {self.address}, levels)

    def _datasets(self, path, seen, levels):
        if levels == 0:
            self.file.refuse("a group so deep")
        for name, address in self.members().items():
            if address in seen:
                continue
            seen.add(address)
            child = self.child(name)
            if isinstance(child, Dataset):
                yield f"{path}{name}", child
            else:
                yield from child._datasets(f"{path}{name}/", seen, levels - 1)


class Dataset(Node):
    """An array of plain numbers, in one place of the file or in chunks; shape and dtype are known before it is read."""

    def __init__(self, file: Hdf5, address: int, name: str, found):
        super().__init__(file, address, name, found)
        by_kind = dict(reversed(found))
        if messages.EXTERNAL_FILES in by_kind:
            file.refuse(f"data in other files of {name!r}")
        if messages.DATASPACE not in by_kind or messages.DATATYPE not in by_kind:
            raise FileError(f"file {file.source.name!r} is damaged: {name!r} has no shape or type.")
        self.shape = messages.shape(file, by_kind[messages.DATASPACE])
        self.dtype = messages.number_type(file, by_kind[messages.DATATYPE], name)
        self._data = messages.layout(file, by_kind[messages.LAYOUT], name)
        self._whole = None
        done = filters(file, by_kind[messages.FILTERS], name) if messages.FILTERS in by_kind else []
        if isinstance(self._data, tuple) and isinstance(self._data[1], tuple):
            self._data = Chunks(file, *self._data, done, self.shape, self.dtype, name)
        elif done:
            file.refuse(f"compressed data of {name!r} that are not in chunks")

    @property
    def nbytes(self) -> int:
        return int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize

    def check(self) -> None:
        """Make sure that `read` will succeed, so that several arrays are read all or none.

        Raises:
            FileError: the file does not have as many bytes as the shape needs, or chunks are damaged.
        """
        if isinstance(self._data, Chunks):
            self._whole = self._data.read()
            return
        if isinstance(self._data, bytes):
            address, size, source = 0, len(self._data), Bytes(self._data, self.file.source.name)
        else:
            (address, size), source = self._data, self.file.source
        if self.nbytes and (address == UNDEFINED or size < self.nbytes):
            raise FileError(
                f"file {self.file.source.name!r}: {self.name!r} claims shape {self.shape} and has {size} bytes."
            )
        source.check(address if self.nbytes else 0, self.nbytes)

    def read(self) -> np.ndarray:
        """The whole array.

        Raises:
            FileError: see `check`.
        """
        if self._whole is None:
            self.check()
        if self._whole is not None:
            whole, self._whole = self._whole, None
            return whole
        if isinstance(self._data, bytes):
            return Bytes(self._data, self.file.source.name).read_array(0, self.shape, self.dtype)
        return self.file.source.read_array(self._place, self.shape, self.dtype)

    def read_into(self, array: np.ndarray) -> None:
        """The same into an array of the shape and dtype, without gaps: from the file if it can be, in one go."""
        if isinstance(self._data, tuple):
            self.check()
            self.file.source.fill(self._place, array)
        else:
            array[...] = self.read()

    @property
    def _place(self) -> int:
        """Where the bytes begin; arrays without any have no place of their own."""
        return self._data[0] if self.nbytes else 0


def assign(variable, dataset: Dataset) -> None:
    """Give a variable the values of an array of its shape, on the CPU without a copy of them in between."""
    own = device.backend().to_host(variable.array)
    if own is variable.array and own.dtype == dataset.dtype and own.flags.c_contiguous:
        dataset.read_into(own)
    else:
        variable.assign(dataset.read())
