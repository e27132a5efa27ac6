"""Where compiled kernels are kept between processes: one object file per kernel and dtype.

The folder is named by a digest of every kernel source and of the versions that shape machine code, and by the
processor, so an edit, an upgrade or another node type can never meet old code. Object files are code: the folder must
belong to the user and be writable by nobody else (S10), else kernels are compiled in memory. An entry that is not
exactly what was written (truncated, flipped, swapped) counts as absent.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import stat
import sys
import tempfile
import time
import warnings
from importlib import resources
from pathlib import Path

import llvmlite
import numba

import nbkeras
from nbkeras.config import setting
from nbkeras.kernels import pruning, vector

MAGIC = b"nbkeras object 1\n"

#: Seconds to wait for another process that compiles the same kernel; then compile it here too.
PATIENCE = 120.0

#: Where the sources lie that the digest covers.
SOURCES = "nbkeras.kernels"

_folder: Path | None = None
_decided = False
_said: set[str] = set()
_counts = {"hits": 0, "misses": 0, "damaged": 0}


def digest() -> str:
    """A hash of all kernel sources and of whatever else decides which machine code they become."""
    total = hashlib.sha256()
    for source in sorted(resources.files(SOURCES).iterdir(), key=lambda path: path.name):
        if source.name.endswith(".py"):
            total.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    options = numba.config
    facts = [
        getattr(nbkeras, "__version__", ""),
        numba.__version__,
        llvmlite.__version__,
        sys.implementation.cache_tag,
        str(int(options.OPT)),
        str(options.LOOP_VECTORIZE),
        str(options.SLP_VECTORIZE),
    ]
    total.update("\0".join(facts).encode())
    return total.hexdigest()[:16]


def base() -> Path | None:
    """The folder that the environment names for caches; None if there is no home either."""
    for name in ("NBKERAS_CACHE_DIR", "NUMBA_CACHE_DIR"):
        found = setting(name) if name.startswith("NBKERAS") else os.environ.get(name)
        if found:
            return Path(found)
    found = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(found):
        return Path(found) / "nbkeras"
    home = os.path.expanduser("~")
    return Path(home) / ".cache" / "nbkeras" if os.path.isabs(home) else None


def folder() -> Path | None:
    """This process's folder, made if need be; None (and one warning) when there is none that is safe to use."""
    global _folder, _decided
    if not _decided:
        _folder = _open_folder()
        _decided = True
    return _folder


def forget() -> None:
    """Decide on the folder anew at the next use, as a new process would (for tests)."""
    global _folder, _decided
    _folder, _decided = None, False
    _said.clear()
    _counts.update(hits=0, misses=0, damaged=0)


def _open_folder() -> Path | None:
    root = base()
    if root is None:
        return _refuse("there is no home folder")
    name, listed = vector.cpu()
    processor = f"{name or 'default'}-{hashlib.sha256(listed.encode()).hexdigest()[:8]}"
    place = root / f"{digest()}-{processor}"
    try:
        os.makedirs(root, mode=0o700, exist_ok=True)
        made = _make(place)
        # The root may be a link that the user made (to a scratch disk); the folder of entries may not.
        problem = _distrust(os.stat(root), sticky=True) or _distrust(os.lstat(place))
    except OSError as error:
        return _refuse(f"{root} cannot be used ({error.strerror})")
    if problem is not None:
        return _refuse(f"{root} {problem}")
    pruning.mark(place)
    if made:
        pruning.prune(root, place)
    return place


def _make(place: Path) -> bool:
    try:
        os.mkdir(place, mode=0o700)
    except FileExistsError:
        return False
    return True


def _distrust(status: os.stat_result, sticky: bool = False) -> str | None:
    """Say why code from this folder or file can't be trusted (S10); None if it can."""
    if stat.S_ISLNK(status.st_mode):
        return "holds a symbolic link in place of its folder"
    shielded = sticky and status.st_mode & stat.S_ISVTX
    if status.st_uid not in (os.geteuid(), 0):
        return f"belongs to user {status.st_uid}"
    if status.st_mode & 0o022 and not shielded:
        return "can be written by other users"
    return None


def _refuse(reason: str) -> None:
    _warn(
        "folder",
        f"the cache of compiled kernels is off, every process compiles anew: {reason}.\n"
        "  Next: set NBKERAS_CACHE_DIR to a folder that you own and only you can write (chmod 700).",
    )


def _warn(kind: str, message: str) -> None:
    if kind not in _said:
        _said.add(kind)
        warnings.warn(message, RuntimeWarning, stacklevel=4)


def _seal(symbol: str, machine_code: bytes) -> bytes:
    return MAGIC + hashlib.sha256(symbol.encode() + b"\0" + machine_code).digest()


def load(symbol: str) -> bytes | None:
    """The object file stored for a symbol, or None."""
    place = folder()
    if place is None:
        return None
    try:
        handle = os.open(place / f"{symbol}.o", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(handle, "rb") as file:
            problem = _distrust(os.fstat(handle))
            content = file.read()
    except FileNotFoundError:
        _counts["misses"] += 1
        return None
    except OSError as error:
        problem, content = f"cannot be read ({error.strerror})", b""
    start = len(MAGIC) + 32
    machine_code = content[start:]
    if problem is None and content[:start] != _seal(symbol, machine_code):
        problem = "is damaged"
    if problem is not None:
        _counts["damaged"] += 1
        _warn("entry", f"the cached kernel {place / symbol}.o {problem}; it is compiled again and replaced.")
        return None
    _counts["hits"] += 1
    return machine_code


def store(symbol: str, machine_code: bytes) -> None:
    """Keep an object file: written whole under another name, flushed to the disk, then renamed in one step."""
    place = folder()
    if place is None:
        return
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{symbol}.", suffix=".tmp", dir=place)
        with open(handle, "wb") as file:
            file.write(_seal(symbol, machine_code) + machine_code)
            file.flush()
            os.fsync(handle)
        os.replace(temporary, place / f"{symbol}.o")
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        _refuse(f"{place} cannot be written ({error.strerror})")


@contextlib.contextmanager
def turn(symbol: str):
    """Wait until no other process of this user on this machine compiles the symbol (N10); true if there was a wait.

    The lock is a `flock` on node-local disk (NFS and Lustre locks are not to be relied on), so it ends with its
    holder, however that ends. It only saves work: without it, or after PATIENCE, both processes compile, and the
    later rename wins.
    """
    handle = _lock_file(symbol)
    if handle is None:
        yield False
        return
    try:
        yield _lock(handle)
    finally:
        os.close(handle)


def _lock_file(symbol: str) -> int | None:
    place = folder()
    if place is None:
        return None
    key = hashlib.sha256(f"{place.absolute()}\0{symbol}".encode()).hexdigest()[:16]
    try:
        locks = os.path.join(tempfile.gettempdir(), f"nbkeras-locks-{os.geteuid()}")
        with contextlib.suppress(FileExistsError):
            os.mkdir(locks, mode=0o700)
        if _distrust(os.lstat(locks)) is not None:
            return None
        return os.open(os.path.join(locks, key), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return None


def _lock(handle: int) -> bool:
    start = time.monotonic()
    waited = False
    while time.monotonic() - start < PATIENCE:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = True
            time.sleep(0.02)
        except OSError:
            break
        else:
            break
    return waited


def describe() -> dict[str, str]:
    """The cache in words, for `nbkeras info`."""
    place = folder()
    if place is None:
        return {"kernel cache": "off (see the warning); kernels are compiled in memory"}
    entries = [entry.stat().st_size for entry in os.scandir(place) if entry.name.endswith(".o")]
    return {
        "kernel cache": str(place),
        "cached kernels": f"{len(entries)} ({sum(entries) / 1024:.0f} KiB); "
        + ", ".join(f"{name} {count}" for name, count in _counts.items()),
    }
