"""Event files, which TensorBoard reads: written without TensorBoard, which would load TensorFlow where it is installed.

A file is a series of records (length, its check sum, data, its check sum), each an `Event` message. A new file is made
for each writer, so that a run that is taken up again never damages what is there.

Source: TensorFlow's lib/io/record_writer.h, util/event.proto and framework/summary.proto.
"""

from __future__ import annotations

import itertools
import os
import struct
import time
import zlib
from collections.abc import Iterable, Sequence

import numpy as np

from nbkeras.callbacks.protobuf import double, integer, text

#: What tensorflow/core/framework/types.proto calls the dtypes.
FLOAT, DOUBLE, STRING = 1, 2, 7
#: `DataClass` of summary.proto: one number; an array; a list of files.
SCALAR, TENSOR, BLOBS = 1, 2, 3
#: Bars of a histogram, as in TensorFlow.
BARS = 30

_numbers = itertools.count()


class EventFile:
    """One event file in a folder, which is made if need be.

    Args:
        folder: where; its name is the name of the run on TensorBoard's page.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> file = EventFile(folder)
        >>> file.scalar("loss", 0.5, step=0)
        >>> file.flush()
        >>> len(list(folder.glob("events.out.tfevents.*")))
        1
    """

    def __init__(self, folder: str | os.PathLike):
        os.makedirs(folder, exist_ok=True)
        unique = f"{time.time():.6f}.{os.uname().nodename}.{os.getpid()}.{next(_numbers)}"
        self.path = os.path.join(folder, f"events.out.tfevents.{unique}.v2")
        self._pending = bytearray()
        self._write(text(3, "brain.Event:2"))
        self.flush()

    def scalar(self, tag: str, value: float, step: int) -> None:
        """A number, for the page's curves."""
        tensor = integer(1, FLOAT) + text(2, b"") + text(5, struct.pack("<f", value))
        self._summary(tag, step, "scalars", SCALAR, tensor)

    def histogram(self, tag: str, values: np.ndarray, step: int) -> None:
        """How the finite ones of some numbers are distributed."""
        rows = histogram_rows(values)
        shape = b"".join(text(2, integer(1, size)) for size in rows.shape)
        tensor = integer(1, DOUBLE) + text(2, shape) + text(4, rows.astype("<f8").tobytes())
        self._summary(tag, step, "histograms", TENSOR, tensor)

    def text(self, tag: str, value: str, step: int) -> None:
        """Markdown."""
        self._summary(tag, step, "text", TENSOR, _strings([value.encode()], ()))

    def images(self, tag: str, images: np.ndarray, step: int) -> None:
        """Grey, RGB or RGBA pictures, (N, H, W, C), values 0 to 1; at most three, as in TensorFlow."""
        height, width = images.shape[1:3]
        files = [str(width).encode(), str(height).encode(), *(png(image) for image in images[:3])]
        self._summary(tag, step, "images", BLOBS, _strings(files, (len(files),)))

    def graph(self, nodes: Iterable[tuple[str, str, Sequence[str], str]]) -> None:
        """A graph of (name, kind, names of the sources, shape in words)."""
        definition = b"".join(text(1, _node(*node)) for node in nodes)
        # A GraphDef, with the version of its format that readers of today expect.
        self._write(text(4, definition + text(4, integer(1, 22))))

    def flush(self) -> None:
        """Let readers see all that was written."""
        # Opened for a moment only: a training that fails leaves no open file behind.
        with open(self.path, "ab") as file:
            file.write(self._pending)
        self._pending.clear()

    def _summary(self, tag: str, step: int, plugin: str, data_class: int, tensor: bytes) -> None:
        metadata = text(1, text(1, plugin)) + integer(4, data_class)
        value = text(1, tag) + text(9, metadata) + text(8, tensor)
        self._write(integer(2, step) + text(5, text(1, value)))

    def _write(self, event: bytes) -> None:
        data = double(1, time.time()) + event
        length = struct.pack("<Q", len(data))
        self._pending += length + _masked(length) + data + _masked(data)


def histogram_rows(values: np.ndarray) -> np.ndarray:
    """Left edge, right edge and count of each bar, (bars, 3); NaN and infinities are left out.

    Example:
        >>> histogram_rows(np.array([0.0, 3.0, np.nan]))[[0, -1]]
        array([[0. , 0.1, 1. ],
               [2.9, 3. , 1. ]])

    Source: as TensorFlow's summaries have it; equal values all count in the last of bars without width.
    """
    values = np.asarray(values, dtype=np.float64).reshape(-1)
    values = values[np.isfinite(values)]
    if not values.size:
        return np.zeros((BARS, 3))
    low, high = values.min(), values.max()
    if low == high:
        counts, edges = np.zeros(BARS), np.full(BARS + 1, low)
        counts[-1] = values.size
    else:
        # Not linspace: the distance of two finite numbers may be infinite.
        share = np.arange(BARS + 1) / BARS
        edges = low * (1 - share) + high * share
        counts = np.histogram(values, edges)[0]
    return np.stack([edges[:-1], edges[1:], counts], axis=1)


def png(image: np.ndarray) -> bytes:
    """A picture (H, W, C), values 0 to 1, as a PNG file.

    Source: ISO/IEC 15948:2004, with zlib's compression and no filter.
    """
    height, width, channels = image.shape
    pixels = np.clip(np.nan_to_num(image) * 255.0 + 0.5, 0, 255).astype(np.uint8).reshape(height, width * channels)
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels], axis=1).tobytes()
    kind = {1: 0, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + body


def _strings(values: Sequence[bytes], shape: Sequence[int]) -> bytes:
    dimensions = b"".join(text(2, integer(1, size)) for size in shape)
    return integer(1, STRING) + text(2, dimensions) + b"".join(text(8, value) for value in values)


def _node(name: str, kind: str, sources: Sequence[str], shape: str) -> bytes:
    attribute = text(1, "shape") + text(2, text(2, shape))
    inputs = b"".join(text(3, source) for source in sources)
    return text(1, name) + text(2, kind) + inputs + text(5, attribute)


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc_table()


def crc32c(data: bytes) -> int:
    """The Castagnoli check sum.

    Example:
        >>> hex(crc32c(b"123456789"))
        '0xe3069283'
    """
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _masked(data: bytes) -> bytes:
    # The format rotates and shifts the sum, as sums of data that holds sums are weak.
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
