"""The seam: NBKERAS_DEVICE is read once, and no value of it is ever quietly ignored."""

import numpy as np
import pytest

from nbkeras import device
from tests.kernels.sample import in_process, output

NAME = "from nbkeras import device; print(device.name())"


@pytest.mark.parametrize("value", ("", " ", "cpu", "CPU", None))
def test_the_default_is_the_cpu(value):
    assert output(NAME, None, NBKERAS_DEVICE=value) == "cpu"


def test_an_unknown_device():
    done = in_process(NAME, None, NBKERAS_DEVICE="cuad")
    assert done.returncode == 1
    assert "DeviceUnavailable: NBKERAS_DEVICE: there is no device 'cuad'; did you mean 'cuda'?" in done.stderr
    assert "cpu, cuda" in done.stderr


def test_it_is_an_import_error():
    code = f"try:\n    {NAME}\nexcept ImportError:\n    print('refused')"
    assert output(code, None, NBKERAS_DEVICE="tpu") == "refused"


def test_cuda_without_a_gpu():
    """T9: an error, at import, that says what is missing and what to do; never the CPU instead."""
    hidden = {"NBKERAS_DEVICE": "cuda", "CUDA_VISIBLE_DEVICES": "", "NUMBA_ENABLE_CUDASIM": None}
    done = in_process(NAME, None, **hidden)
    assert done.returncode == 1
    assert "DeviceUnavailable" in done.stderr
    assert "Next:" in done.stderr


def test_cuda_without_its_package():
    code = "import sys; sys.modules['nbkeras_cuda'] = None\n" + NAME
    done = in_process(code, None, NBKERAS_DEVICE="cuda")
    assert "the package nbkeras_cuda is not installed" in done.stderr
    assert "pip install 'nbkeras[cuda]'" in done.stderr


def test_a_change_after_import(monkeypatch):
    monkeypatch.setenv("NBKERAS_DEVICE", "cuda")
    with pytest.warns(RuntimeWarning, match="changed to 'cuda' after nbkeras was imported; 'cpu' stays") as caught:
        assert (device.name(), device.backend().name) == ("cpu", "cpu")
    assert len(caught) == 1
    device._said = None


def test_the_cpu_loads_no_device_package():
    code = "import sys; from nbkeras import device; device.backend(); print('nbkeras_cuda' in sys.modules)"
    assert output(code, None) == "False"


def test_arrays():
    backend = device.backend()
    assert device.backend() is backend
    for shape in ((), 3, (0, 4), (5, 7)):
        for dtype in ("float32", "float64", "int64", "bool"):
            array = backend.empty(shape, dtype)
            assert array.shape == np.empty(shape).shape
            assert array.dtype == dtype
            assert array.size == 0 or array.ctypes.data % 64 == 0
            assert array.flags.c_contiguous
    array = backend.empty((2, 2), "float32")
    backend.from_host(array, np.ones((2, 2)))
    assert backend.to_host(array).tolist() == [[1, 1], [1, 1]]
    backend.wait()


def test_a_program():
    backend = device.backend()
    from tests.kernels.sample import sample_add

    array = backend.empty(9, "float32")
    backend.from_host(array, np.zeros(9))
    backend.program([(sample_add, "f4", (array, 2.0), 9, 9)]).run()
    assert backend.to_host(array).tolist() == [2.0] * 9
