"""The command line: `nbkeras COMMAND`, also `python -m nbkeras COMMAND`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import nbkeras
from nbkeras.commands import bench, demo, info, warmup
from nbkeras.errors import NbkerasError

COMMANDS = {"demo": demo, "info": info, "warmup": warmup, "bench": bench}


def build_parser() -> argparse.ArgumentParser:
    """Make the parser; each command's module says what it does, its arguments and its examples."""
    parser = argparse.ArgumentParser(
        prog="nbkeras", description="Keras models trained by kernels that Numba compiles for the processor they run on."
    )
    parser.add_argument("--version", action="version", version=f"nbkeras {nbkeras.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        summary = module.__doc__.splitlines()[0]
        command = commands.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=f"examples:\n{module.EXAMPLES}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after `nbkeras`; those of the process unless given.

    Returns:
        The exit status: 0, or 1 after an error that nbkeras explains on stderr.

    Example:
        >>> main(["info", "--short"])  # doctest: +ELLIPSIS
        nbkeras ...
        0
    """
    options = build_parser().parse_args(arguments)
    try:
        return COMMANDS[options.command].run(options)
    except NbkerasError as error:
        print(f"nbkeras {options.command}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
