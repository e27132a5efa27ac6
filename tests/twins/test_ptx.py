"""Every twin compiles for every supported architecture, without a GPU: PTX for all, machine code for one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("numba_cuda", reason="needs the extra 'cuda13' or 'cuda12' (it runs without a GPU)")

import nbkeras
import nbkeras_cuda
from nbkeras_cuda.kernels import registry
from tests.twins import needs
from tests.twins.cases import make_cases

pytestmark = needs.compiler

#: Turing, Ampere, Hopper.
ARCHITECTURES = ((7, 5), (8, 0), (9, 0))

#: A block may have so many bytes of shared memory without asking the driver for more.
SHARED_LIMIT = 48 * 1024

#: Float32 kernels with float64 arithmetic, and why it stays.
FLOAT64 = {
    "adam": "powers of β, once a block",
    "adam_amsgrad": "powers of β, once a block",
    "rmsprop": "1 - ρ, once a block",
    "segment_norms": "sums of squares, as on the CPU",
    "clip_global": "the norm, once a block",
    "random_bernoulli": "the threshold of the random words, once a thread",
    "dropout": "the threshold of the random words, once a thread",
}

#: What reads, writes and converts a float64 without computing in it: settings are float64 in every kernel.
HARMLESS = re.compile(r"\.reg|\.param|ld\.|st\.|mov\.|cvt\.rn\.f32\.f64|cvt\.f64\.")

DTYPES = {name: sorted({case.dtype for case in make_cases().values() if case.kernel == name}) for name in registry()}

#: Bytes of a thread's local memory: where registers must be indexed at run time. All others keep none.
STACK = {"elementwise": 128, "elementwise_rare": 128, "matmul": 256}

#: The newest architecture in every dtype, the older ones in the first; the rest is for whoever has the time.
EVERY = [
    pytest.param(
        name, dtype, architecture, id=f"{name}-{dtype}-cc{architecture[0]}{architecture[1]}",
        marks=[] if architecture == (9, 0) or dtype == DTYPES[name][0] else [pytest.mark.slow],
    )
    for name in DTYPES for dtype in DTYPES[name] for architecture in ARCHITECTURES
]  # fmt: skip


@pytest.mark.parametrize("name,dtype,architecture", EVERY)
def test_compiles_to_ptx(name, dtype, architecture):
    text, entry = registry()[name].ptx(dtype, architecture)
    assert f".target sm_{architecture[0]}{architecture[1]}" in text
    assert f".entry {entry}(" in text
    assert text.count(".param ") == len(registry()[name].parameters) + 2
    shared = sum(int(size) for size in re.findall(r"\.shared [^\n]*\[(\d+)\];", text))
    assert shared <= SHARED_LIMIT
    assert ".extern .func" not in text
    if dtype == "f4" and name not in FLOAT64:
        double = [line for line in text.splitlines() if ".f64" in line and not HARMLESS.search(line)]
        assert not double, f"float64 arithmetic in a float32 kernel: {double[:3]}"


@pytest.mark.parametrize("name", DTYPES)
def test_links_without_spills(name):
    dtype = DTYPES[name][0]
    code, _, log = registry()[name].cubin(dtype, (9, 0))
    assert code[:4] == b"\x7fELF"
    spills = [int(n) for n in re.findall(r"(\d+) bytes spill", log)]
    assert not any(spills), log
    (stack,) = re.findall(r"barriers, (\d+) stack|registers, (\d+) stack|(\d+) stack", log)[-1:]
    assert max(int(n) for n in stack if n) <= STACK.get(name, 0), log


def test_intrinsics_are_those_that_every_nvvm_has():
    """NVVM 13.5, say, has llvm.trunc and 13.1 not: what compiles with the one at hand may not with another."""
    package = Path(nbkeras.__file__).parent / "kernels"
    shared = "formula scalars activations arithmetic binary exponential normal power trigonometry".split()
    text = "".join((package / f"{name}.py").read_text() for name in shared)
    text += "".join(path.read_text() for path in Path(nbkeras_cuda.__file__).parent.rglob("*.py"))
    assert set(re.findall(r'"llvm\.(\w+)', text)) <= {"sqrt", "floor", "ceil"}


def test_exceptions_are_needed():
    for name in FLOAT64:
        text, _ = registry()[name].ptx("f4", (9, 0))
        assert [line for line in text.splitlines() if ".f64" in line and not HARMLESS.search(line)], name
