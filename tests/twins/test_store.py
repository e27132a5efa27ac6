"""Machine code for GPUs is kept between processes: compiled once, under the cache's rules, and never mistaken."""

import pytest

pytest.importorskip("numba_cuda", reason="needs the extra 'cuda13' or 'cuda12' (it runs without a GPU)")

from nbkeras import device
from nbkeras.commands import warmup
from nbkeras.errors import ArgumentError
from nbkeras.kernels.compilation import COMPILED
from nbkeras_cuda import check, store
from nbkeras_cuda._jit import Kernel
from nbkeras_cuda.kernels import registry
from tests.twins import needs

pytestmark = needs.compiler

HOPPER = (9, 0)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The cache of an architecture in a folder of its own."""
    monkeypatch.setenv("NBKERAS_CACHE_DIR", str(tmp_path))
    store.cache.cache_clear()
    yield store.cache(HOPPER)
    store.cache.cache_clear()


def test_the_second_time_nothing_is_compiled(kept, monkeypatch):
    kernel = registry()["increment"]
    first = store.machine_code(kernel, "f4", HOPPER)
    assert first[0][:4] == b"\x7fELF"
    assert ("increment", "f4") in COMPILED
    monkeypatch.setattr(Kernel, "cubin", lambda *_: pytest.fail("compiled again"))
    assert store.machine_code(kernel, "f4", HOPPER) == first
    assert [path.name for path in kept.folder().iterdir()] == ["nbkeras_increment_f4.cubin"]


def test_damaged_machine_code_is_compiled_again(kept):
    kernel = registry()["increment"]
    first = store.machine_code(kernel, "f4", HOPPER)
    (path,) = kept.folder().iterdir()
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.warns(RuntimeWarning, match=r"nbkeras_increment_f4\.cubin is damaged; it is compiled again"):
        assert store.machine_code(kernel, "f4", HOPPER)[1] == first[1]
    assert path.read_bytes()[:50] == content[:50]


def test_each_architecture_and_compiler_has_a_folder_of_its_own(kept, monkeypatch):
    ampere = store.cache((8, 0)).folder()
    assert "-sm_80-" in ampere.name
    assert "-sm_90-" in kept.folder().name
    before = kept.folder()
    monkeypatch.setattr(check, "nvvm_version", lambda: "13.0.88")
    kept.forget()
    assert kept.folder() != before


def test_an_edit_of_a_source_means_another_folder(kept, monkeypatch):
    before = kept.folder()
    monkeypatch.setattr(store, "sources_digest", lambda *packages: "0" * 64)
    kept.forget()
    assert kept.folder() != before


def test_kernels_from_elsewhere_are_not_kept(kept):
    def mine(y: "T n", lo, hi):  # noqa: F722
        y[lo] = y[hi]

    store.machine_code(Kernel(mine), "f4", HOPPER)
    assert not list(kept.folder().iterdir())


def test_warmup_for_a_gpu_that_is_not_here(kept):
    assert {name for _, name, _ in warmup._tasks([], ["float32"], "sm_90")} == set(registry())
    ((name, dtype, seconds, reason),) = warmup._do(("sm_90", "increment", "float32"))
    assert (name, dtype, reason) == ("increment", "float32", "")
    assert seconds > 0
    assert [path.name for path in kept.folder().iterdir()] == ["nbkeras_increment_f4.cubin"]


@pytest.mark.parametrize("architecture", ["sm_70", "hopper", "90"])
def test_architectures_that_there_are_not(architecture):
    with pytest.raises(ArgumentError, match=f"from sm_75 on, got '{architecture}'"):
        device.compilers_for(architecture)
