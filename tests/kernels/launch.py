"""Run one kernel on arrays, as a program of one step."""

from nbkeras.kernels import runner


def launch(kernel, dtype, *arguments, items, chunk=None):
    """Run `kernel` for a dtype code on items [0, items), cut in chunks (one chunk if none is given)."""
    runner.Program([(kernel, dtype, arguments, items, max(1, items if chunk is None else chunk))]).run()
