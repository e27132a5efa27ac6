"""Every CPU kernel has a CUDA twin: same file, same name, same arguments, same annotations."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import nbkeras_cuda
from nbkeras import kernels as cpu

pytest.importorskip("numba_cuda", reason="needs the extra 'cuda13' or 'cuda12' (it runs without a GPU)")

from nbkeras_cuda import kernels as cuda

#: What of nbkeras/kernels both devices import: the list of per-element maths, what its formulas are written with, and
#: where compiled kernels are kept.
SHARED = {"scalars.py", "formula.py", "cache.py", "compilation.py"}


def file_of(kernel) -> str:
    return Path(inspect.getsourcefile(kernel.function)).name


def test_same_names():
    missing = set(cpu.registry()) - set(cuda.registry())
    extra = set(cuda.registry()) - set(cpu.registry())
    assert not missing, f"kernels without a CUDA twin: {sorted(missing)}"
    assert not extra, f"CUDA kernels without a CPU twin: {sorted(extra)}"


@pytest.mark.parametrize("name", sorted(set(cpu.registry()) & set(cuda.registry())))
def test_same_file_and_signature(name):
    ours, twin = cpu.registry()[name], cuda.registry()[name]
    assert file_of(ours) == file_of(twin)
    assert inspect.signature(ours.function) == inspect.signature(twin.function)
    assert (ours.schedule is None) == (twin.schedule is None), "one of the twins cuts its work itself"
    assert twin.function.__doc__, "a kernel's docstring holds its formula"


def test_every_file_has_kernels_of_its_name():
    folder = Path(nbkeras_cuda.__file__).parent / "kernels"
    files = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
    assert files == {file_of(kernel) for kernel in cpu.registry().values()}


def test_only_the_shared_parts_of_nbkeras_are_imported():
    allowed = {"nbkeras.errors", "nbkeras.config", "nbkeras.device"}
    allowed |= {f"nbkeras.kernels.{name.removesuffix('.py')}" for name in SHARED}
    for path in Path(nbkeras_cuda.__file__).parent.rglob("*.py"):
        for line in path.read_text().splitlines():
            words = line.split()
            if words[:1] in (["from"], ["import"]) and (words[1] == "nbkeras" or words[1].startswith("nbkeras.")):
                names = [word.strip(",") for word in words[3:]] if words[1] == "nbkeras.kernels" else [None]
                for name in names:
                    assert (f"{words[1]}.{name}" if name else words[1]) in allowed, f"{path.name}: {line}"


def test_opcodes_agree():
    from nbkeras.kernels import elementwise as ours
    from nbkeras_cuda.kernels import elementwise as twin

    assert ours.OPCODES == twin.OPCODES
    assert ours.RARE == twin.RARE
    assert (ours.BLOCK, ours.REGISTERS) == (twin.BLOCK, twin.REGISTERS)
    assert (ours.CONTIGUOUS, ours.SCALAR, ours.STRIDED) == (twin.CONTIGUOUS, twin.SCALAR, twin.STRIDED)


def test_windows_agree():
    from nbkeras.kernels import conv_tile, conv_window
    from nbkeras_cuda import window

    assert (conv_window.HEADER, conv_window.PHASE, conv_window.TAP) == (window.HEADER, window.PHASE, window.TAP)
    assert conv_tile.PANEL == window.PANEL
