"""Keras's own tests pass, but for those that are listed with a reason."""

import importlib.metadata
import re

import pytest

from tests.oracle.keras_suite import QUICK, VERSION
from tests.oracle.keras_suite.run import run

pytest.importorskip("keras")
pytest.importorskip("jax")


@pytest.mark.skipif(importlib.metadata.version("keras") != VERSION, reason=f"the list is about Keras {VERSION}")
def test_keras_own_tests():
    done = run(QUICK, ["-rfE"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    passed = int(re.search(r"(\d+) passed", done.stdout)[1])
    assert passed > 2900, done.stdout[-2000:]
