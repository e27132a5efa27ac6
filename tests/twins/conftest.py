"""Says at the end of a run which compilers the CUDA kernels went through."""

import sys


def pytest_terminal_summary(terminalreporter):
    if "nbkeras_cuda._jit" in sys.modules:
        from nbkeras_cuda import check

        if not check.missing_libraries():
            terminalreporter.write_line(f"CUDA kernels were compiled by {', '.join(check.compilers())}")
