"""Files from the network: found in Keras's folder, or downloaded into it, checked, and unpacked on request."""

from __future__ import annotations

import hashlib
import os
import tarfile
import tempfile
import warnings
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

from nbkeras.errors import ArgumentError, DataError

#: Seconds without a byte after which a download has failed.
PATIENCE = 30.0
PIECE = 1 << 20


def home() -> Path:
    """Keras's folder: `$KERAS_HOME`, else `~/.keras`."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def digest_of(path: str | os.PathLike, like: str) -> str:
    """A file's digest of the kind of another: MD5 for 32 digits, else SHA-256."""
    digest = hashlib.md5(usedforsecurity=False) if len(like) == 32 else hashlib.sha256()
    with open(path, "rb") as data:
        while piece := data.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def download(url: str, target: Path, digest: str | None = None) -> None:
    """Download a file; other processes see the whole of it or nothing.

    Raises:
        DataError: what came has another digest.
        OSError: it cannot be downloaded or written.
    """
    from urllib.request import urlopen

    target.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as out, urlopen(url, timeout=PATIENCE) as source:
            while piece := source.read(PIECE):
                out.write(piece)
        found = digest if digest is None else digest_of(part, digest)
        if found != digest:
            raise DataError(
                f"{target.name}: what {url} gives is not the published file: expected the digest {digest}, got "
                f"{found}.",
                next=f"try again; or get the file elsewhere and put it at {target}.",
            )
        os.replace(part, target)
    finally:
        if os.path.exists(part):
            os.unlink(part)


def get_file(
    fname=None,
    origin=None,
    untar=False,
    md5_hash=None,
    file_hash=None,
    cache_subdir="datasets",
    hash_algorithm="auto",
    extract=False,
    archive_format="auto",
    cache_dir=None,
    force_download=False,
):
    """The path of a file, downloaded if it is not there yet.

    Args:
        fname: the file's name; that in the URL by default. For an archive, the name of its folder.
        origin: the URL; `file://` works too.
        untar, md5_hash: older names of `extract` and `file_hash`.
        file_hash: the digest that the file must have, SHA-256 or MD5.
        cache_subdir: the folder inside of `cache_dir`.
        hash_algorithm: 'sha256', 'md5', or 'auto' by the digest's length.
        extract: unpack the archive, and return the folder that it was unpacked to.
        archive_format: 'zip', 'tar' (compressed or not), 'auto' for both, None for neither.
        cache_dir: `$KERAS_HOME` or `~/.keras` by default.
        force_download: download even if the file is there.

    Raises:
        ArgumentError: there is no URL or no name, or a name with a path.
        DataError: it cannot be downloaded, or what came has another digest.

    Give `file_hash` where you know it: without it, nothing says that what came is what was meant. Of an archive only
    plain files and folders that stay inside of its folder are unpacked; links and others are left out.
    """
    if origin is None:
        raise ArgumentError("get_file: the URL is missing.", next="give it as origin='https://...'.")
    if hash_algorithm not in ("auto", "sha256", "md5"):
        raise ArgumentError(f"get_file: hash_algorithm must be 'auto', 'sha256' or 'md5', got {hash_algorithm!r}.")
    digest = file_hash or md5_hash
    name = os.fspath(fname) if fname else os.path.basename(urlsplit(origin).path)
    if not name or os.sep in name or name in (".", ".."):
        raise ArgumentError(
            f"get_file: {name!r} is no name of a file.", next="give a name without a path as fname, and cache_dir."
        )
    folder = Path(os.path.expanduser(cache_dir) if cache_dir else home()) / cache_subdir
    unpacked = folder / name
    target = folder / name
    if extract or untar:
        if fname and "." in name:
            unpacked = folder / f"{name[: name.find('.')]}_extracted"
        else:
            target = folder / f"{name}_archive"
    if target.is_file() and not force_download and digest and digest_of(target, digest) != digest:
        warnings.warn(f"get_file: {target} has another digest than {digest}: it is downloaded again.", stacklevel=2)
        force_download = True
    if force_download or not target.is_file():
        print(f"Downloading data from {origin}", flush=True)
        try:
            download(origin, target, digest)
        except (OSError, ValueError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(
                f"get_file: {origin} cannot be downloaded to {target}: {error}.",
                next=f"download it where there is a network, and put it at {target}.",
            ) from error
    if not (extract or untar):
        return str(target)
    _unpack(target, unpacked, "tar" if untar else archive_format)
    return str(unpacked)


def _unpack(archive: Path, folder: Path, form) -> None:
    forms = ("tar", "zip") if form == "auto" else tuple([form] if isinstance(form, str) else form or ())
    if "tar" in forms and tarfile.is_tarfile(archive):
        with tarfile.open(archive) as source:
            for member in source:
                if member.isfile():
                    _write(member.name, source.extractfile(member), folder)
                elif not member.isdir():
                    _left_out(member.name, archive)
    elif "zip" in forms and zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as source:
            for member in source.infolist():
                kind = member.external_attr >> 28
                if kind not in (0, 4, 8):
                    _left_out(member.filename, archive)
                elif not member.is_dir():
                    _write(member.filename, source.open(member), folder)
    else:
        warnings.warn(f"get_file: {archive} is no archive that can be unpacked as {form!r}.", stacklevel=3)


def _write(name: str, source, folder: Path) -> None:
    inside = os.path.realpath(folder)
    target = os.path.realpath(os.path.join(inside, name))
    with source:
        if not target.startswith(inside + os.sep):
            _left_out(name, folder)
            return
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as out:
            while piece := source.read(PIECE):
                out.write(piece)


def _left_out(name: str, where) -> None:
    warnings.warn(f"get_file: {name!r} of {where} is no plain file inside of its folder: left out.", stacklevel=4)
