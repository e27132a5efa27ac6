"""What `vector` says of processors that need not be this one."""

import platform

import pytest

from nbkeras.kernels import vector
from tests.kernels.sample import in_process, output

ASK = "from nbkeras.kernels import _jit, vector; print(vector.width('f4'), vector.registers(), vector.has_fma())"

X86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="names of x86 processors")


@X86
@pytest.mark.parametrize(
    "name, expected",
    [
        ("x86-64", "4 16 False"),
        ("x86-64-v2", "4 16 False"),
        ("x86-64-v3", "8 16 True"),
        ("x86-64-v4", "16 32 True"),
        ("znver4", "16 32 True"),
        ("nehalem", "4 16 False"),
    ],
)
def test_named_processors(name, expected, monkeypatch):
    monkeypatch.setattr(vector.numba.config, "CPU_NAME", name)
    monkeypatch.setattr(vector.numba.config, "CPU_FEATURES", "")
    vector.cpu.cache_clear()
    vector.features.cache_clear()
    try:
        assert f"{vector.width('f4')} {vector.registers()} {vector.has_fma()}" == expected
    finally:
        vector.cpu.cache_clear()
        vector.features.cache_clear()


@X86
def test_the_host_agrees_with_what_llvm_emits():
    expected = 64 if "zmm" in vector._probe() else 32 if "ymm" in vector._probe() else 16
    assert vector.register_bytes() == expected


@X86
def test_explicit_features():
    """NUMBA_CPU_NAME=generic with a list of features, as teams use it to share a cache."""
    found = output(ASK, None, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="+avx2,+fma,+avx")
    assert found == "8 16 True"


@X86
def test_baseline():
    assert output(ASK, None, NBKERAS_CPU="baseline") == "8 16 True"


def test_baseline_after_numba_has_compiled():
    code = "import numba; numba.njit(lambda x: x)(1); from nbkeras.kernels import _jit"
    done = in_process(code, None, NBKERAS_CPU="baseline")
    assert "NBKERAS_CPU=baseline came too late" in done.stderr


def test_another_value():
    done = in_process("from nbkeras.kernels import _jit", None, NBKERAS_CPU="fast")
    assert "NBKERAS_CPU: expected 'baseline' or nothing, got 'fast'" in done.stderr


def test_describe():
    assert set(vector.describe()) == {"processor", "vector unit"}
