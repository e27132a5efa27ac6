"""Show what nbkeras found on this machine: device, vectors, threads, cache, versions, settings."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Mapping
from importlib import metadata

import nbkeras
from nbkeras.config import ENVIRONMENT

EXAMPLES = """\
  nbkeras info           everything, for a bug report
  nbkeras info --short   the version line alone
  NBKERAS_NUM_THREADS=4 nbkeras info   what a setting changes"""

PACKAGES = ("numba", "llvmlite", "numpy", "h5py", "numba-cuda")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--short", action="store_true", help="print the version line alone")


def run(options: argparse.Namespace) -> int:
    """Print the report."""
    print(f"nbkeras {nbkeras.__version__}, Python {platform.python_version()} on {platform.machine()}")
    if not options.short:
        for title, facts in sections().items():
            print(f"\n{title}\n{_table(facts)}")
    return 0


def sections() -> dict[str, Mapping[str, str]]:
    """Collect the facts, by section."""
    from nbkeras import device
    from nbkeras.kernels import cache, threads, vector

    return {
        "Device": {"device": device.backend().name, **device.backend().facts()},
        "Vectors": vector.describe(),
        "Threads": threads.describe(),
        "Cache": cache.describe(),
        "Versions": {name: _version(name) for name in PACKAGES},
        "Settings (environment variables)": _settings(),
    }


def _settings() -> dict[str, str]:
    values = {name: os.environ.get(name) or "(unset)" for name in ENVIRONMENT}
    width = max(map(len, values.values()))
    return {name: f"{values[name]:<{width}}  {meaning}" for name, meaning in ENVIRONMENT.items()}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _table(facts: Mapping[str, str]) -> str:
    width = max(map(len, facts))
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in facts.items())
