"""The cache of compiled kernels: damage, edits, foreign folders, unlike processors, many processes at once."""

import hashlib
import os
import shutil
import subprocess
import sys
import warnings

import pytest

from nbkeras.kernels import cache
from tests.kernels.sample import ROOT, in_process, output

#: Compiles three symbols (a kernel, the runner, the helpers' loop) and prints the result and what was compiled.
USE = """
import numpy as np
from nbkeras.kernels import _jit, cache, runner
from tests.kernels.sample import sample_add
y = np.zeros(64)
runner.Program([(sample_add, "f8", (y, 1.5), 64, 8)]).run()
print(y.sum(), sorted(name for name, _ in _jit.COMPILED))
"""
COLD, WARM = "96.0 ['run', 'sample_add', 'serve']", "96.0 []"
TWO_THREADS = {"NBKERAS_NUM_THREADS": "2"}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A cache folder of this process's own, for one test."""
    monkeypatch.setenv("NBKERAS_CACHE_DIR", str(tmp_path / "cache"))
    cache.forget()
    yield tmp_path / "cache"
    cache.forget()


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """A folder that another process has filled."""
    folder = tmp_path_factory.mktemp("warm")
    output(USE, folder)
    return folder


def entries(folder):
    return sorted(folder.glob("*/*.o"))


def test_store_and_load(place):
    assert cache.load("f") is None
    cache.store("f", b"code")
    assert cache.load("f") == b"code"
    assert cache.load("g") is None
    assert (os.stat(cache.folder()).st_mode & 0o777, os.stat(place).st_mode & 0o777) == (0o700, 0o700)
    assert [path.name for path in cache.folder().iterdir()] == ["f.o"]
    assert "1 (" in cache.describe()["cached kernels"]


def damages(content):
    yield b""
    yield content[:-1]
    yield content[: len(content) // 2]
    yield content + b"\0"
    for position in (0, 20, len(content) - 1):
        yield content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]


def load_damaged(path, content):
    path.write_bytes(content)
    return cache.load("f")


def test_a_damaged_entry_is_a_miss_with_one_warning(place):
    cache.store("f", b"code" * 100)
    path = cache.folder() / "f.o"
    content = path.read_bytes()
    with pytest.warns(RuntimeWarning, match=r"f\.o is damaged; it is compiled again") as caught:
        assert [load_damaged(path, damaged) for damaged in damages(content)] == [None] * 7
    assert len(caught) == 1
    cache.store("f", b"code")
    assert cache.load("f") == b"code"


def test_entries_of_two_symbols_swapped(place):
    cache.store("f", b"code of f")
    os.rename(cache.folder() / "f.o", cache.folder() / "g.o")
    with pytest.warns(RuntimeWarning, match="damaged"):
        assert cache.load("g") is None


def test_an_entry_that_is_a_link_or_a_folder(place, tmp_path):
    cache.store("f", b"code")
    os.rename(cache.folder() / "f.o", tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", cache.folder() / "f.o")
    with pytest.warns(RuntimeWarning, match="cannot be read"):
        assert cache.load("f") is None
    os.unlink(cache.folder() / "f.o")
    os.mkdir(cache.folder() / "f.o")
    assert cache.load("f") is None


def test_a_process_replaces_damaged_entries(warm, tmp_path):
    """N9, end to end: the same numbers, one warning, whole entries afterwards."""
    folder = shutil.copytree(warm, tmp_path / "copy")
    for path, keep in zip(entries(folder), (0, 100, 1000), strict=False):
        path.write_bytes(path.read_bytes()[:keep])
    done = in_process(USE, folder)
    assert done.stdout.strip() == COLD
    assert done.stderr.count("RuntimeWarning") == 1
    assert output(USE, folder) == WARM


def test_warm_with_other_thread_counts(warm):
    """N14."""
    for count in ("1", "2", "7"):
        done = in_process(USE, warm, NBKERAS_NUM_THREADS=count)
        assert done.stdout.strip() == WARM


def unsafe_mode(folder):
    os.chmod(folder, 0o777)


def unsafe_owner(folder):
    os.chown(folder, 12345, 12345)


def unsafe_entries(folder):
    (inner,) = folder.iterdir()
    os.chmod(inner, 0o770)


def unsafe_link(folder):
    (inner,) = folder.iterdir()
    os.rename(inner, folder.parent / "moved")
    os.symlink(folder.parent / "moved", inner)


@pytest.mark.parametrize(
    "spoil, reason",
    [
        (unsafe_mode, "can be written by other users"),
        (unsafe_owner, "belongs to user 12345"),
        (unsafe_entries, "can be written by other users"),
        (unsafe_link, "symbolic link"),
    ],
)
def test_an_unsafe_folder_is_not_used(place, spoil, reason):
    """S10: planted code must not run."""
    if spoil is unsafe_owner and os.geteuid() != 0:
        pytest.skip("only root can give files away")
    cache.store("f", b"planted")
    cache.forget()
    spoil(place)
    with pytest.warns(RuntimeWarning, match=f"(?s){reason}.*chmod 700") as caught:
        assert (cache.load("f"), cache.store("g", b"code")) == (None, None)
    assert len(caught) == 1
    assert not list(place.glob("*/g.o"))
    assert "off" in cache.describe()["kernel cache"]


def test_an_entry_that_others_can_write(place):
    cache.store("f", b"code")
    os.chmod(cache.folder() / "f.o", 0o666)
    with pytest.warns(RuntimeWarning, match="can be written by other users"):
        assert cache.load("f") is None


def test_without_a_usable_home():
    """N6: one warning naming the remedy, and the result all the same."""
    nowhere = {"HOME": "/proc/nowhere", "NUMBA_CACHE_DIR": None, "XDG_CACHE_HOME": None, "NBKERAS_CACHE_DIR": None}
    done = in_process(USE, None, **nowhere)
    assert done.stdout.strip() == COLD
    assert done.stderr.count("RuntimeWarning") == 1
    assert "set NBKERAS_CACHE_DIR" in done.stderr


def test_a_full_disk(place, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(RuntimeWarning, match="No space left on device"):
        cache.store("f", b"code")
    assert list(cache.folder().iterdir()) == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.store("g", b"code")


def test_which_folder(monkeypatch):
    for name in ("NBKERAS_CACHE_DIR", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/me")
    assert str(cache.base()) == "/home/me/.cache/nbkeras"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # to be ignored, by the XDG standard
    assert str(cache.base()) == "/home/me/.cache/nbkeras"
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert str(cache.base()) == "/xdg/nbkeras"
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/numba")
    assert str(cache.base()) == "/numba"
    monkeypatch.setenv("NBKERAS_CACHE_DIR", "/own")
    assert str(cache.base()) == "/own"


EDITED = """
import numpy as np
from nbkeras.kernels import runner
from nbkeras.kernels.user import user
y = np.zeros(3)
runner.Program([(user, "f8", (y,), 3, 3)]).run()
print(y[0])
"""
HELPER = "from nbkeras.kernels._jit import scalar\n\n@scalar\ndef helper(x):\n    return x + {}\n"
USER = """
from nbkeras.kernels._jit import kernel
from nbkeras.kernels.helper import helper

@kernel
def user(y: "T n", lo, hi):
    for i in range(lo, hi):
        y[i] = helper(y[i])
"""


def test_an_edit_of_a_helper_in_another_file(tmp_path):
    """N8, and N7: nothing is written beside the sources."""
    package = tmp_path / "site" / "nbkeras"
    (package / "kernels").mkdir(parents=True)
    for name in ("config.py", "errors.py", "kernels"):
        source = ROOT / "nbkeras" / name
        for path in [source] if source.is_file() else source.glob("*.py"):
            if path.name in {"__init__.py", "_jit.py", "cache.py", "config.py", "errors.py", "vector.py"} or (
                path.name in {"compilation.py", "pruning.py", "runner.py", "team.py", "threads.py"}
            ):
                shutil.copy(path, package / path.relative_to(ROOT / "nbkeras"))
    (package / "__init__.py").write_text("")
    (package / "kernels/user.py").write_text(USER)
    results = []
    for number in (1, 2):
        (package / "kernels/helper.py").write_text(HELPER.format(number))
        results.append(output(EDITED, tmp_path / "cache", root=tmp_path / "site"))
    assert results == ["1.0", "2.0"]
    assert len(list((tmp_path / "cache").iterdir())) == 2
    assert {path.suffix for path in package.rglob("*") if path.is_file()} <= {".py", ".pyc"}


def start_together(folder, processes: int) -> None:
    """Processes on one empty folder: none fails or warns, and each kernel is compiled by one of them."""
    command = [sys.executable, "-c", USE]
    environment = {**os.environ, **TWO_THREADS, "PYTHONPATH": str(ROOT), "NBKERAS_CACHE_DIR": str(folder)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    running = [subprocess.Popen(command, env=environment, cwd="/", **pipes) for _ in range(processes)]
    results = [process.communicate(timeout=600) for process in running]
    assert all(process.returncode == 0 for process in running), results
    assert all(out.startswith("96.0 ") for out, _ in results)
    compiled = [name for out, _ in results for name in ("run", "sample_add", "serve") if f"'{name}'" in out]
    assert sorted(compiled) == ["run", "sample_add", "serve"]
    assert not any("RuntimeWarning" in err for _, err in results)


def test_processes_that_start_together(tmp_path):
    """N10: one compiles a kernel, the others wait and load it; `python -m tests.kernels.long` does it with 64."""
    start_together(tmp_path / "cache", 6)


def test_a_lock_held_for_ever_only_delays(place, monkeypatch):
    monkeypatch.setattr(cache, "PATIENCE", 0.1)
    with cache.turn("f") as waited, cache.turn("f") as again:
        assert (waited, again) == (False, True)


def test_unlike_processors_do_not_share(warm, tmp_path):
    """N11 and N12: every processor has its folder; the baseline is one that unlike nodes share."""
    folder = shutil.copytree(warm, tmp_path / "copy")
    assert output(USE, folder, NBKERAS_CPU="baseline").startswith("96.0 ['run'")
    assert len(list(folder.iterdir())) == 2
    assert output(USE, folder, NBKERAS_CPU="baseline") == WARM
    names = sorted(path.name.split("-", 1)[1] for path in folder.iterdir())
    assert any("x86-64-v3" in name or "generic" in name for name in names)


def test_forked_children_fill_one_cache(tmp_path):
    """N13: children that compile different kernels into one folder; the parent loads them all."""
    code = """
import os
import numpy as np
from nbkeras.kernels import _jit, runner
from tests.kernels.sample import sample_add
def use(dtype):
    y = np.zeros(64, dtype)
    runner.Program([(sample_add, dtype, (y, 2), 64, 8)]).run()
    assert (y == 2).all()
use("i4")
children = []
for dtype in ("f4", "f8", "i8"):
    children.append(os.fork())
    if children[-1] == 0:
        try:
            use(dtype)
        except BaseException:
            os._exit(1)
        os._exit(0)
print([os.waitpid(child, 0)[1] for child in children], end=" ")
before = len(_jit.COMPILED)
for dtype in ("f4", "f8", "i8"):
    use(dtype)
print(len(_jit.COMPILED) - before)
"""
    assert output(code, tmp_path / "cache") == "[0, 0, 0] 0"


def test_the_digest_is_cheap(place):
    import time

    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        first = cache.digest()
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.005
    assert first == cache.digest()
    assert len(first) == len(hashlib.sha256().hexdigest()) // 4
