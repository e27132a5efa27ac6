"""What the tests of CUDA kernels need of the machine; where it is missing they are skipped, with the cause."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nbkeras.errors import DeviceUnavailable
from nbkeras_cuda import check


def why_not(require: Callable[[], None]) -> str | None:
    """The cause, in one line, if a check fails."""
    try:
        require()
    except DeviceUnavailable as error:
        return str(error).splitlines()[0]
    return None


def _mark(require: Callable[[], None]):
    cause = why_not(require)
    return pytest.mark.skipif(cause is not None, reason=str(cause))


#: numba-cuda, in a version that works with the packages beside it.
packages = _mark(check.require_packages)

#: NVVM and nvJitLink too; no GPU.
compiler = _mark(check.require_compiler)
