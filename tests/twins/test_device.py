"""Choosing CUDA where it cannot be used is one clear error: what is missing, and how to get it."""

import os
import subprocess
import sys

import pytest

from nbkeras.errors import DeviceUnavailable
from nbkeras_cuda import check

WORKING = {
    "package_version": "0.30.4",
    "numpy_version": "2.4.6",
    "implementation": "NVIDIA",
    "simulated": False,
    "driver_error": None,
    "device_count": 1,
    "missing_libraries": [],
    "capability": (9, 0),
    "driver_version": (13, 0),
    "toolkit_version": (13, 5),
}

CAUSES = {
    "package": (
        {"package_version": None},
        "the package numba-cuda is not installed",
        r"pip install 'nbkeras\[cuda13\]'",
    ),
    "built-in": ({"implementation": "Built-in"}, "'Built-in' implementation", "install numba-cuda again"),
    "old package": ({"package_version": "0.20.0"}, "numba-cuda 0.20.0 is installed", r"nbkeras\[cuda13\]"),
    "new package": ({"package_version": "0.31.0"}, "numba-cuda 0.31.0 is installed", r"nbkeras\[cuda13\]"),
    "NumPy": ({"numpy_version": "2.5.0"}, "NumPy 2.5.0 .* numba-cuda 0.30.4 cannot work with", r"'numpy<2\.5'"),
    "driver": (
        {"driver_error": "libcuda.so not found"},
        "driver cannot be started: libcuda.so not found",
        "nvidia-smi",
    ),
    "hidden": ({"driver_error": "CUDA_ERROR_NO_DEVICE"}, "shows no GPU to this process", "CUDA_VISIBLE_DEVICES"),
    "no device": ({"device_count": 0}, "shows no GPU to this process", "ask the batch system for a GPU"),
    "compiler": ({"missing_libraries": ["nvvm"]}, "without its compiler, nvvm not found", r"nbkeras\[cuda13\]"),
    "capability": ({"capability": (7, 0)}, "compute capability 7.0, and 7.5", "choose a newer GPU"),
    "version": ({"driver_version": (12, 8)}, r"CUDA up to 12.8, but .* CUDA 13.5", r"nbkeras\[cuda12\].*driver to 580"),
}


def pretend(monkeypatch, **facts):
    for name, value in {**WORKING, **facts}.items():
        monkeypatch.setattr(check, name, lambda value=value: value)


def test_a_working_machine_passes(monkeypatch):
    pretend(monkeypatch)
    check.require()


def test_simulator_needs_no_driver(monkeypatch):
    pretend(monkeypatch, simulated=True, driver_error="none", device_count=0)
    check.require()


@pytest.mark.parametrize("cause", CAUSES)
def test_each_cause_has_its_message(monkeypatch, cause):
    facts, what, remedy = CAUSES[cause]
    pretend(monkeypatch, **facts)
    with pytest.raises(DeviceUnavailable, match=what) as raised:
        check.require()
    assert str(raised.value).startswith("NBKERAS_DEVICE=cuda cannot be used: ")
    lines = str(raised.value).splitlines()
    assert len(lines) == 2
    with pytest.raises(DeviceUnavailable, match=remedy):
        check.require()
    assert lines[1].endswith("or set NBKERAS_DEVICE=cpu to run without a GPU.")


def test_hidden_devices_are_named(monkeypatch):
    pretend(monkeypatch, device_count=0)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.raises(DeviceUnavailable, match=r"CUDA_VISIBLE_DEVICES is '-1'"):
        check.require()


def test_earlier_causes_hide_later_ones(monkeypatch):
    pretend(monkeypatch, package_version=None, device_count=0, driver_error="no")
    with pytest.raises(DeviceUnavailable, match="not installed"):
        check.require()


def test_importing_the_package_loads_no_numba():
    code = "import sys, nbkeras_cuda; print([m for m in ('numba', 'cuda', 'llvmlite') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_facts_for_the_report(monkeypatch, tmp_path):
    import nbkeras_cuda
    from nbkeras_cuda import store

    pretend(monkeypatch, device_name="NVIDIA H200", compilers=["NVVM 13.0.88"])
    monkeypatch.setenv("NBKERAS_CACHE_DIR", str(tmp_path))
    store.cache.cache_clear()
    facts = nbkeras_cuda.facts()
    assert facts["GPU"] == "NVIDIA H200, compute capability 9.0"
    assert facts["driver"] == "knows CUDA up to 13.0"
    assert facts["compilers"] == "NVVM 13.0.88"
    assert "-sm_90-" in facts["GPU kernel cache"]
    assert facts["GPU cached kernels"].startswith("0 (0 KiB)")
    store.cache.cache_clear()


def test_the_check_may_be_imported_first():
    """Importing it imports nothing of nbkeras, which would ask it for the device while it is half loaded."""
    pytest.importorskip("numba_cuda")
    code = "import nbkeras_cuda.check; from nbkeras import device; print(device.backend().name)"
    environment = {**os.environ, "NBKERAS_DEVICE": "cuda", "NUMBA_ENABLE_CUDASIM": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "cuda"), done.stderr
