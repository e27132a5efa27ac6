"""`.keras` files: a zip archive of exactly three members, read without ever unpacking anything to the disk.

| member | what it is |
|---|---|
| `metadata.json` | versions and date |
| `config.json` | the model's configuration, and what it was compiled with |
| `model.weights.h5` | the weights and the optimizer's state |

Names in an archive are compared, never used. Everything that two readers could understand in two ways is refused:
members twice or one inside the other, bytes that belong to none, sizes that contradict each other.

Source: PKWARE's APPNOTE.TXT, version 6.3.10.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import struct
import threading
import zlib

from nbkeras.errors import FileError
from nbkeras.saving import registry
from nbkeras.saving.byte_source import Bytes
from nbkeras.saving.json_text import parse

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
MEMBERS = (METADATA, CONFIG, WEIGHTS)

#: The version of Keras whose format this is, for its own reader.
KERAS_VERSION = "3.15.0"

STORED, DEFLATED = 0, 8

#: A field of 32 bits that says: look at the one of 64.
FULL = 2**32 - 1

#: Weights hardly shrink: what is larger than this many bytes and expands more often than this is a bomb. Texts do, and
#: take several times their size once they are read.
MOST_INFLATED, MOST_INFLATED_TEXT, MOST_EXPANSION = 24 * 2**20, 8 * 2**20, 4

#: Bytes looked at in one go while a checksum is computed.
CHUNK = 2**20

_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"


@dataclasses.dataclass
class Member:
    """A member of an archive: how it is stored, and where its bytes are."""

    name: str
    method: int
    checksum: int
    stored: int
    size: int
    header: int
    start: int = 0


class Archive:
    """A `.keras` file.

    Args:
        source: the file's bytes.

    Raises:
        FileError: it is not a zip archive of exactly the three members.
    """

    def __init__(self, source: Bytes):
        self.source = source
        self.members = {member.name: member for member in self._directory()}
        missing = [name for name in MEMBERS if name not in self.members]
        if missing:
            self._refuse(f"it has no {missing[0]!r}")

    def _refuse(self, why: str):
        raise FileError(
            f"file {self.source.name!r} is not a .keras file that is read here: {why}.",
            next="save the model again, with model.save('name.keras').",
        )

    def _directory(self) -> list[Member]:
        """The list of members, held against the places of their bytes."""
        source = self.source
        end = source.read(max(0, source.size - 22), min(22, source.size))
        if len(end) < 22 or end[:4] != _END:
            self._refuse("no list of members ends it: it is of another kind, was cut off, or has more behind it")
        disk, disk2, here, count, size, start, comment = struct.unpack("<4H2IH", end[4:])
        at = source.size - 22
        if disk or disk2 or comment or here != count:
            self._refuse("it is a part of an archive or has a comment")
        if 0xFFFF in (here, count) or 0xFFFFFFFF in (size, start):
            at, count, size, start = self._end64(at)
        if start + size != at or count > len(MEMBERS) or size > 4096:
            self._refuse(f"its list of {count} members is not where it should be, or has others than {MEMBERS}")
        listed, place, members = source.read(start, size), 0, []
        for _ in range(count):
            member, length = self._entry(listed[place:])
            place += length
            members.append(member)
        if place != size:
            self._refuse("its list of members has a gap")
        self._check_places(members, start)
        return members

    def _end64(self, at: int) -> tuple[int, int, int, int]:
        """The end of an archive that is larger than 4 GiB."""
        locator = self.source.read(max(0, at - 20), 20)
        (where,) = struct.unpack_from("<Q", locator, 8)
        record = self.source.read(where, 56) if locator[:4] == _LOCATOR64 and where + 56 == at - 20 else b""
        if record[:4] != _END64:
            self._refuse("the end for large archives is broken")
        count, size, start = struct.unpack_from("<3Q", record, 32)
        return where, count, size, start

    def _entry(self, listed: bytes) -> tuple[Member, int]:
        """One entry of the list of members, and its length."""
        if listed[:4] != b"PK\x01\x02" or len(listed) < 46:
            self._refuse("its list of members is broken")
        flags, method, _, checksum, stored, size, name_size, extra_size, comment, disk, _, _, header = struct.unpack(
            "<HHIIIIHHHHHII", listed[8:46]
        )
        length = 46 + name_size + extra_size + comment
        name = listed[46 : 46 + name_size].decode("ascii", "replace")
        if name not in MEMBERS or length > len(listed):
            self._refuse(f"it has a member {name[:100]!r}, and only {MEMBERS} belong there")
        # Bit 3 says that the sizes come again behind the data, bit 11 that names are UTF-8; all others change the data.
        if flags & ~0x0808 or method not in (STORED, DEFLATED) or disk:
            self._refuse(f"{name!r} is encrypted or stored in a way that Keras does not use")
        stored, size, header = self._large(listed[46 + name_size : length - comment], stored, size, header)
        if method == STORED and stored != size:
            self._refuse(f"the sizes of {name!r} contradict each other")
        if size > max(MOST_INFLATED if name == WEIGHTS else MOST_INFLATED_TEXT, MOST_EXPANSION * stored):
            self._refuse(f"{name!r} claims to expand from {stored} to {size} bytes")
        return Member(name, method, checksum, stored, size, header), length

    def _large(self, extra: bytes, *fields32):
        """Sizes and place, with those of 64 bits where the short fields are full."""
        stored, size, header = fields32
        values = {"size": size, "stored": stored, "header": header}
        wanted = [name for name, value in values.items() if value == 2**32 - 1]
        if wanted:
            at = 0
            while at + 4 <= len(extra):
                kind, count = struct.unpack_from("<HH", extra, at)
                if kind == 1 and count >= 8 * len(wanted) and at + 4 + count <= len(extra):
                    values.update(zip(wanted, struct.unpack_from(f"<{len(wanted)}Q", extra, at + 4), strict=True))
                    break
                at += 4 + count
            else:
                self._refuse("a size of more than 4 GiB is missing")
        return values["stored"], values["size"], values["header"]

    def _check_places(self, members: list[Member], end: int) -> None:
        """Members must lie one behind another, from the first byte to the list of members."""
        if len({member.name for member in members}) < len(members):
            self._refuse("a member is there twice")
        place = 0
        for member in sorted(members, key=lambda member: member.header):
            head = self.source.read(member.header, 30)
            flags, name_size, extra_size = (*struct.unpack_from("<H", head, 6), *struct.unpack_from("<HH", head, 26))
            name = self.source.read(member.header + 30, name_size)
            # Behind streamed data stand its checksum and sizes: 12, 16, 20 or 24 bytes.
            gap = member.header - place
            if head[:4] != b"PK\x03\x04" or name != member.name.encode() or not self._is_gap(gap, place):
                self._refuse(f"{member.name!r} does not lie where the list of members says")
            member.start = member.header + 30 + name_size + extra_size
            place = member.start + member.stored
            self._streamed = bool(flags & 8)
        if not self._is_gap(end - place, place):
            self._refuse("it has bytes that belong to no member")

    _streamed = False

    def _is_gap(self, gap: int, place: int) -> bool:
        return gap == 0 or (place > 0 and self._streamed and gap in (12, 16, 20, 24))

    def _bytes(self, name: str) -> Bytes:
        """The bytes of a member, after their checksum was compared."""
        member = self.members[name]
        shown = f"{self.source.name}/{name}"
        found = self.source.part(member.start, member.stored, shown)
        if member.method == DEFLATED:
            found = Bytes(self._inflated(found, member), shown)
        checksum = 0
        for start in range(0, found.size, CHUNK):
            checksum = zlib.crc32(found.read(start, min(CHUNK, found.size - start)), checksum)
        if found.size != member.size or checksum != member.checksum:
            raise FileError(f"file {self.source.name!r} is damaged: the checksum of {name!r} is wrong.")
        return found

    def _inflated(self, found: Bytes, member: Member) -> bytes:
        inflater = zlib.decompressobj(-15)
        try:
            data = inflater.decompress(found.read(0, found.size), member.size + 1)
        except zlib.error as error:
            raise FileError(f"file {self.source.name!r} is damaged: {member.name!r}: {error}.") from error
        if len(data) != member.size or inflater.unconsumed_tail or inflater.unused_data:
            raise FileError(f"file {self.source.name!r} is damaged: {member.name!r} does not have its size.")
        return data

    def config(self):
        """The model's configuration, as plain values."""
        return self._json(CONFIG)

    def metadata(self):
        """What is known of the writer, as plain values."""
        return self._json(METADATA)

    def _json(self, name):
        found = self._bytes(name)
        return parse(found.read(0, found.size), found.name)

    def weights(self) -> Bytes:
        """The HDF5 file of the weights."""
        return self._bytes(WEIGHTS)


def members_of(config: dict, weights: list[bytes | memoryview], now: datetime.datetime) -> dict[str, list]:
    """The contents of the members, by name.

    Args:
        config: the model's configuration.
        weights: an HDF5 file, one piece after another.
        now: when the model is saved.
    """
    from nbkeras import __version__

    metadata = {
        "keras_version": KERAS_VERSION,
        "nbkeras_version": __version__,
        "date_saved": now.strftime("%Y-%m-%d@%H:%M:%S"),
    }
    return {
        METADATA: [json.dumps(metadata).encode()],
        CONFIG: [json.dumps(config, default=registry.serialize_keras_object).encode()],
        WEIGHTS: weights,
    }


def write(file, config: dict, weights: list[bytes | memoryview]) -> None:
    """Write an archive to a binary file; see `members_of`."""
    now = datetime.datetime.now()
    day, hour = now.year - 1980 << 9 | now.month << 5 | now.day, now.hour << 11 | now.minute << 5 | now.second // 2
    place, entries = 0, []
    for name, pieces in members_of(config, weights, now).items():
        length, entry = _write_member(file, name, pieces, hour | day << 16, place)
        place += length
        entries.append(entry)
    listed = b"".join(entries)
    file.write(listed)
    count, size = len(entries), len(listed)
    if place >= FULL:
        file.write(struct.pack("<4sQHHIIQQQQ", _END64, 44, 45, 45, 0, 0, count, count, size, place))
        file.write(struct.pack("<4sIQI", _LOCATOR64, 0, place + size, 1))
    file.write(struct.pack("<4sHHHHIIH", _END, 0, 0, count, count, size, min(place, FULL), 0))


def _write_member(file, name: str, pieces, date: int, place: int) -> tuple[int, bytes]:
    """Write a member; returns how many bytes it takes, and its entry in the list of members."""
    size, encoded = sum(len(piece) for piece in pieces), name.encode()
    large = size >= FULL or place >= FULL
    version, short = (45, (FULL, FULL)) if large else (20, (size, size))
    extra = struct.pack("<HHQQ", 1, 16, size, size) if large else b""

    def head(checksum):
        fields = (version, 0, STORED, date, checksum, *short, len(encoded), len(extra))
        return struct.pack("<4s3H4I2H", b"PK\x03\x04", *fields) + encoded + extra

    if file.seekable():
        # The checksum is computed while the data are written.
        start = file.tell()
        file.write(head(0))
        checksum = _written(file, pieces)
        end = file.tell()
        file.seek(start)
        file.write(head(checksum))
        file.seek(end)
    else:
        checksum = _sum(pieces)
        file.write(head(checksum))
        for piece in pieces:
            file.write(piece)
    more = struct.pack("<HHQQQ", 1, 24, size, size, place) if large else b""
    # 3 is Unix, where 0o600 lets the owner read and write.
    fields = (3 << 8 | version, version, 0, STORED, date, checksum, *short, len(encoded), len(more))
    entry = struct.pack("<4s4H4I5H2I", b"PK\x01\x02", *fields, 0, 0, 0, 0o600 << 16, FULL if large else place)
    return 30 + len(encoded) + len(extra) + size, entry + encoded + more


def _sum(pieces) -> int:
    checksum = 0
    for piece in pieces:
        checksum = zlib.crc32(piece, checksum)
    return checksum


def _written(file, pieces) -> int:
    """Write pieces; the checksum of them all is computed beside, on another core where there is one."""
    found = []
    beside = threading.Thread(target=lambda: found.append(_sum(pieces)))
    beside.start()
    try:
        for piece in pieces:
            file.write(piece)
    finally:
        beside.join()
    return found[0]
