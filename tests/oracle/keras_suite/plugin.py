"""A pytest plugin: Keras's tests see nbkeras; what is not meant to be the same does not count.

Not counted, and shown as skipped with the reason:
- names that nbkeras does not have, and attributes with an underscore, which are how Keras is made inside;
- floats of 16 bits and complex numbers, sparse and ragged tensors, quantization: no such tensors here;
- packages that are not installed.

The texts of messages are each library's own: only the types of errors and warnings count. `differences.txt` lists the
rest, as `file::class::test` and reason; a test of that list that passes is an error, so that the list stays true.
"""

from __future__ import annotations

import collections
import importlib.util
import re
import sys
import types
import unittest
from pathlib import Path

# Keras imports it, and with it NumPy knows 'bfloat16'.
import ml_dtypes  # noqa: F401
import pytest

from tests.oracle.keras_suite import modules

OTHER_TENSORS = re.compile(
    "float16|float8|complex64|complex128|_sparse(?!_categorical|_top_k|_labels)|ragged|mixed_precision|quantiz|int4|_gptq|_awq"
)
OTHER_DTYPES = re.compile(r"(dtype|floatx).*(float16|float8|complex|\bdtype\('O'\))", re.DOTALL)
PRIVATE = re.compile(r"has no attribute '_(?!_)|does not have the attribute '_(?!_)")

_missing = collections.Counter()


def pytest_configure(config):
    modules.install()
    for mark in ("requires_trainable_backend", "skip_if_backend"):
        config.addinivalue_line("markers", mark)
    helpers = types.ModuleType("conftest")
    helpers.skip_if_backend = lambda *names: lambda test: test
    sys.modules["conftest"] = helpers
    unittest.TestCase.assertRaisesRegex = _of_type(unittest.TestCase.assertRaises)
    unittest.TestCase.assertWarnsRegex = _of_type(unittest.TestCase.assertWarns)


def _of_type(check):
    def called(self, expected, expected_regex, *arguments, **named):
        return check(self, expected, *arguments, **named)

    return called


def differences() -> dict[str, str]:
    """Test -> why nbkeras does not pass it."""
    lines = Path(__file__).with_name("differences.txt").read_text().splitlines()
    found, reason = {}, ""
    for line in lines:
        if line.startswith("# "):
            reason = line[2:]
        elif line.strip():
            found[line.strip()] = reason
    return found


def pytest_collection_modifyitems(config, items):
    known = differences()
    for item in items:
        if OTHER_TENSORS.search(item.nodeid):
            item.add_marker(pytest.mark.skip("tensors that nbkeras does not have"))
        elif known.get(item.nodeid, "").startswith("never ends"):
            item.add_marker(pytest.mark.skip(known[item.nodeid]))
        elif item.nodeid in known:
            item.add_marker(pytest.mark.xfail(reason=known[item.nodeid], strict=True))


def pytest_ignore_collect(collection_path):
    if collection_path.name.endswith("_test.py"):
        asked = re.findall(r"^(?:import|from) (tensorflow|torch)\b", collection_path.read_text(), re.MULTILINE)
        if any(importlib.util.find_spec(package) is None for package in asked):
            return True
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.excinfo is not None and report.failed:
        reason = _does_not_count(call.excinfo.value)
        if reason is not None:
            report.outcome, report.longrepr = "skipped", (str(item.path), item.location[1], reason)
    return report


def _does_not_count(error) -> str | None:
    text = str(error)
    if isinstance(error, modules.Missing):
        _missing[text] += 1
        return text
    if isinstance(error, ImportError):
        return text
    if isinstance(error, AttributeError) and PRIVATE.search(text):
        return f"private: {text}"
    return "a dtype that nbkeras does not have" if OTHER_DTYPES.search(text) else None


def pytest_terminal_summary(terminalreporter):
    public = sorted((-count, text) for text, count in _missing.items() if "keras.src" not in text)
    if public:
        terminalreporter.section("public names that nbkeras does not have, and tests that use them")
        for count, text in public:
            terminalreporter.write_line(f"{-count:5d} {text}")
