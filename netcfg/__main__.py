# PYTHON_ARGCOMPLETE_OK
"""``python -m netcfg``: the same as the command ``netcfg``."""

import sys

from netcfg.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
