"""The initializer of Fourier kernels against Keras's."""

from __future__ import annotations

import numpy as np
import pytest

from nbkeras import initializers
from nbkeras.errors import ArgumentError, ShapeError


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_as_in_keras():
    keras = pytest.importorskip("keras", reason="the extra 'oracle' is not installed")
    weights = np.arange(1.0, 8.0)
    for side in ("real", "imag"):
        for window in ("hann", "hamming", None, weights):
            for scaling in ("density", "spectrum", None):
                for periodic in (False, True):
                    arguments = {"side": side, "window": window, "scaling": scaling, "periodic": periodic}
                    ours, theirs = initializers.STFT(**arguments), keras.initializers.STFT(**arguments)
                    assert list(ours.get_config()) == list(theirs.get_config())
                    got, expected = ours((7, 1, 5)), np.asarray(theirs((7, 1, 5)))
                    # Keras rounds the angles to float32.
                    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_windows_of_scipy():
    signal = pytest.importorskip("scipy.signal")
    for name in ("tukey", "blackman"):
        for periodic in (False, True):
            kernel = initializers.STFT("real", name, scaling=None, periodic=periodic)((8, 1, 5))
            np.testing.assert_allclose(kernel[:, 0, 0], signal.get_window(name, 8, periodic), rtol=1e-6)
    with pytest.raises(ArgumentError, match="expected the window hann, hamming or another of SciPy's, got 'x'"):
        initializers.STFT(window="x")


def test_bad_arguments():
    assert isinstance(initializers.get("stft"), initializers.STFT)
    for arguments in ({"side": "x"}, {"window": "x"}, {"scaling": "x"}):
        with pytest.raises(ArgumentError, match="initializer STFT"):
            initializers.STFT(**arguments)
    with pytest.raises(ShapeError, match=r"the window must have shape \(4,\)"):
        initializers.STFT(window=np.ones(3))((4, 1, 3))
