"""Says at the end of a run which compilers the CUDA kernels went through."""

import sys


def pytest_terminal_summary(terminalreporter):
    jit = sys.modules.get("nbkeras_cuda._jit")
    for name in sorted(jit.compilers()) if jit is not None else ():
        terminalreporter.write_line(f"CUDA kernels were compiled by {name}")
