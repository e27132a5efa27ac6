"""Where compiled kernels are kept between processes: a folder for each processor, a file for each kernel and dtype.

The folder is named by a digest of every kernel source and of the versions that shape machine code, and by the
processor, so an edit, an upgrade or another node type can never meet old code. Object files are code: the folder must
belong to the user and be writable by nobody else (S10), else kernels are compiled in memory. An entry that is not
exactly what was written (truncated, flipped, swapped) counts as absent.

The functions of this module are the CPU's; a GPU has a `Cache` of its own beside it.
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
from collections.abc import Callable
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


def sources_digest(*packages: str) -> str:
    """A hash of all Python sources that lie directly in these packages."""
    total = hashlib.sha256()
    for package in packages:
        for source in sorted(resources.files(package).iterdir(), key=lambda path: path.name):
            if source.name.endswith(".py"):
                total.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return total.hexdigest()


def digest() -> str:
    """A hash of all kernel sources and of whatever else decides which machine code they become."""
    options = numba.config
    facts = [
        sources_digest(SOURCES),
        getattr(nbkeras, "__version__", ""),
        numba.__version__,
        llvmlite.__version__,
        sys.implementation.cache_tag,
        str(int(options.OPT)),
        str(options.LOOP_VECTORIZE),
        str(options.SLP_VECTORIZE),
    ]
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:16]


def _processor_folder() -> str:
    name, listed = vector.cpu()
    return f"{digest()}-{name or 'default'}-{hashlib.sha256(listed.encode()).hexdigest()[:8]}"


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


def _seal(symbol: str, machine_code: bytes) -> bytes:
    return MAGIC + hashlib.sha256(symbol.encode() + b"\0" + machine_code).digest()


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


class Cache:
    """The folder of one processor, and what this process did there.

    Args:
        name: `name()` -> the folder's name, which tells all that machine code depends on.
        kind: what the files' names end in.
    """

    def __init__(self, name: Callable[[], str], kind: str):
        self._name = name
        self._kind = kind
        self._folder: Path | None = None
        self._decided = False
        self._said: set[str] = set()
        self._counts = {"hits": 0, "misses": 0, "damaged": 0}

    def folder(self) -> Path | None:
        """This process's folder, made if need be; None (and one warning) when there is none that is safe to use."""
        if not self._decided:
            self._folder = self._open_folder()
            self._decided = True
        return self._folder

    def forget(self) -> None:
        """Decide on the folder anew at the next use, as a new process would (for tests)."""
        self._folder, self._decided = None, False
        self._said.clear()
        self._counts.update(hits=0, misses=0, damaged=0)

    def _open_folder(self) -> Path | None:
        root = base()
        if root is None:
            return self._refuse("there is no home folder")
        place = root / self._name()
        try:
            os.makedirs(root, mode=0o700, exist_ok=True)
            made = _make(place)
            # The root may be a link that the user made (to a scratch disk); the folder of entries may not.
            problem = _distrust(os.stat(root), sticky=True) or _distrust(os.lstat(place))
        except OSError as error:
            return self._refuse(f"{root} cannot be used ({error.strerror})")
        if problem is not None:
            return self._refuse(f"{root} {problem}")
        pruning.mark(place)
        if made:
            pruning.prune(root, place)
        return place

    def _refuse(self, reason: str) -> None:
        self._warn(
            "folder",
            f"the cache of compiled kernels is off, every process compiles anew: {reason}.\n"
            "  Next: set NBKERAS_CACHE_DIR to a folder that you own and only you can write (chmod 700).",
        )

    def _warn(self, kind: str, message: str) -> None:
        if kind not in self._said:
            self._said.add(kind)
            warnings.warn(message, RuntimeWarning, stacklevel=4)

    def _file(self, symbol: str) -> str:
        return f"{symbol}.{self._kind}"

    def load(self, symbol: str) -> bytes | None:
        """The object file stored for a symbol, or None."""
        place = self.folder()
        if place is None:
            return None
        try:
            handle = os.open(place / self._file(symbol), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with open(handle, "rb") as file:
                problem = _distrust(os.fstat(handle))
                content = file.read()
        except FileNotFoundError:
            self._counts["misses"] += 1
            return None
        except OSError as error:
            problem, content = f"cannot be read ({error.strerror})", b""
        start = len(MAGIC) + 32
        machine_code = content[start:]
        if problem is None and content[:start] != _seal(symbol, machine_code):
            problem = "is damaged"
        if problem is not None:
            self._counts["damaged"] += 1
            path = place / self._file(symbol)
            self._warn("entry", f"the cached kernel {path} {problem}; it is compiled again and replaced.")
            return None
        self._counts["hits"] += 1
        return machine_code

    def store(self, symbol: str, machine_code: bytes) -> None:
        """Keep an object file: written whole under another name, flushed to the disk, then renamed in one step."""
        place = self.folder()
        if place is None:
            return
        temporary = None
        try:
            handle, temporary = tempfile.mkstemp(prefix=f".{symbol}.", suffix=".tmp", dir=place)
            with open(handle, "wb") as file:
                file.write(_seal(symbol, machine_code) + machine_code)
                file.flush()
                os.fsync(handle)
            os.replace(temporary, place / self._file(symbol))
        except OSError as error:
            if temporary is not None:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
            self._refuse(f"{place} cannot be written ({error.strerror})")

    @contextlib.contextmanager
    def turn(self, symbol: str):
        """Wait until no other process of this user on this machine compiles the symbol (N10); true if there was a wait.

        The lock is a `flock` on node-local disk (NFS and Lustre locks are not to be relied on), so it ends with its
        holder, however that ends. It only saves work: without it, or after PATIENCE, both processes compile, and the
        later rename wins.
        """
        handle = self._lock_file(symbol)
        if handle is None:
            yield False
            return
        try:
            yield _lock(handle)
        finally:
            os.close(handle)

    def _lock_file(self, symbol: str) -> int | None:
        place = self.folder()
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

    def describe(self) -> dict[str, str]:
        """The cache in words, for `nbkeras info`."""
        place = self.folder()
        if place is None:
            return {"kernel cache": "off (see the warning); kernels are compiled in memory"}
        entries = [entry.stat().st_size for entry in os.scandir(place) if entry.name.endswith(f".{self._kind}")]
        return {
            "kernel cache": str(place),
            "cached kernels": f"{len(entries)} ({sum(entries) / 1024:.0f} KiB); "
            + ", ".join(f"{name} {count}" for name, count in self._counts.items()),
        }


_cpu = Cache(_processor_folder, "o")
folder, forget, load, store, turn, describe = (
    _cpu.folder, _cpu.forget, _cpu.load, _cpu.store, _cpu.turn, _cpu.describe
)  # fmt: skip
