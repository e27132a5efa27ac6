# ruff: noqa: F722, F821 - kernel annotations are shapes
"""The decorator `@kernel`: annotations, dtypes, compilation once, errors, the announcement of a long one."""

import threading

import numpy as np
import pytest

from nbkeras.errors import KernelError
from nbkeras.kernels import _jit, compilation, registry
from tests.kernels.launch import launch
from tests.kernels.sample import output, sample_add, sample_mix


def test_parameters_are_read_from_annotations():
    found = [(p.name, p.code, p.extent) for p in sample_mix.parameters]
    assert found[:3] == [("out", "T", "4"), ("x", "f8", "1"), ("small", "i4", None)]


def test_dtype_codes():
    codes = [_jit.dtype_code(d) for d in ("float32", "float64", "int32", "int64", "bool", "uint8")]
    assert codes == ["f4", "f8", "i4", "i8", "u1", "u1"]


def test_names_are_unique():
    """N13."""

    def sample_add(y: "T n", lo, hi):
        y[lo] = hi

    with pytest.raises(KernelError, match="kernel 'sample_add' is defined twice"):
        _jit.kernel(sample_add)


@pytest.fixture
def unregistered():
    before = dict(_jit.REGISTRY)
    yield
    _jit.REGISTRY.clear()
    _jit.REGISTRY.update(before)


def test_a_kernel_that_does_not_compile(unregistered):
    """T2: an error that names the kernel, never a slow path."""

    @_jit.kernel
    def sample_broken(y: "T n", lo, hi):
        y[lo] = undefined_name

    with pytest.raises(KernelError, match="kernel 'sample_broken' could not be compiled for f4"):
        sample_broken.compile("f4")


def test_object_mode_is_impossible(unregistered):
    @_jit.kernel
    def sample_object(y: "T n", lo, hi):
        y[lo] = open("x")  # noqa: SIM115

    with pytest.raises(KernelError, match="sample_object"):
        sample_object.compile("f4")


def test_threads_that_ask_at_once_compile_once(unregistered):
    @_jit.kernel
    def sample_together(y: "T n", lo, hi):
        for i in range(lo, hi):
            y[i] = i

    found = []
    askers = [threading.Thread(target=lambda: found.append(sample_together.address("f8"))) for _ in range(4)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_float32_code_stays_float32():
    y = np.full(5, 1.0, np.float32)
    launch(sample_add, "f4", y, 1e-10, items=5)
    assert (y == 1).all()


def test_announcement_of_a_long_compilation(capfd, monkeypatch):
    """N2: the line begins while the compiler works and is completed when it ends."""
    monkeypatch.setattr(compilation, "ANNOUNCE_SECONDS", 0.02)
    begun = threading.Event()

    def slow():
        begun.wait(0.3)

    _jit._compile("sample", "f4", slow)
    assert capfd.readouterr().err == "nbkeras: compiling kernel sample (f4) ... 0.3 s\n"
    monkeypatch.setattr(compilation, "ANNOUNCE_SECONDS", 60)
    _jit._compile("sample", "f4", slow)
    assert capfd.readouterr().err == ""
    del _jit.COMPILED["sample", "f4"]


def test_numba_disable_jit_is_for_other_code():
    code = """
import numpy as np
from nbkeras.kernels import runner
from tests.kernels.sample import sample_add
y = np.zeros(64)
runner.Program([(sample_add, "f8", (y, 1.0), 64, 8)]).run()
print(y.sum())
"""
    assert output(code, None, NUMBA_DISABLE_JIT="1") == "64.0"


def test_registry_lists_all_kernels_of_the_folder():
    found = registry()
    assert all(name == kernel.name for name, kernel in found.items())
    assert "sample_add" not in {k for k, v in found.items() if v.function.__module__.startswith("nbkeras.")}
