"""`python -m tests.oracle.keras_suite [folders or files of keras/src ...] [options of pytest]`"""

import sys

from tests.oracle.keras_suite import LONG, QUICK
from tests.oracle.keras_suite.run import run

if __name__ == "__main__":
    given = sys.argv[1:]
    places = [argument for argument in given if not argument.startswith("-")]
    sys.exit(run(places or [*QUICK, *LONG], [argument for argument in given if argument.startswith("-")]).returncode)
