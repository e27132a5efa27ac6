"""What all examples share: their arguments, scikit-learn's data, the last line that names the picture."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nbkeras.extras import need


def read_arguments(doc: str, name: str, epochs: int, arguments: Sequence[str] | None) -> argparse.Namespace:
    """The arguments of an example.

    Args:
        doc: the example's docstring, for `--help`.
        name: of the example; the picture is called so unless asked otherwise.
        epochs: how many by default.
        arguments: words of a command line; those of the process, if None.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m nbkeras.examples.{name}",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--epochs", type=int, default=epochs, help=f"passes over the training data (default {epochs})")
    parser.add_argument("--seed", type=int, default=0, help="fixes everything random (default 0)")
    parser.add_argument("--output", type=Path, default=Path(f"{name}.png"), help=f"the picture (default {name}.png)")
    options = parser.parse_args(arguments)
    if options.epochs < 1:
        parser.error(f"--epochs: expected 1 or more, got {options.epochs}")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    return options


def load_table(name: str, seed: int):
    """A table of scikit-learn's, rows shuffled, a fifth of them for testing, columns to mean 0 and variance 1.

    Args:
        name: such as `"wine"` for `sklearn.datasets.load_wine`.
        seed: fixes the order of the rows.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, and the names of the classes or columns as scikit-learn has them.
    """
    source = getattr(need("sklearn.datasets", f"the example's data, {name},"), f"load_{name}")()
    order = np.random.default_rng(seed).permutation(len(source.data))
    x, y = source.data[order].astype("float32"), source.target[order]
    cut = len(x) * 4 // 5
    # The test rows have no say in what the columns are scaled by.
    x = (x - x[:cut].mean(axis=0)) / x[:cut].std(axis=0)
    return (x[:cut], y[:cut]), (x[cut:], y[cut:]), source


def load_digits():
    """The digits, grey values from 0 to 1."""
    from nbkeras.datasets import digits

    (x_train, y_train), (x_test, y_test) = digits.load_data()
    return (x_train.astype("float32") / 16, y_train), (x_test.astype("float32") / 16, y_test)


def tidy(axes, title: str, x: str = "", y: str = "") -> None:
    """The looks that all pictures share."""
    from nbkeras.evaluation._figure import INK, RULE

    axes.set_title(title, loc="left", color=INK, fontsize=12, fontweight="bold")
    axes.set_xlabel(x, color=INK)
    axes.set_ylabel(y, color=INK)
    axes.grid(color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
