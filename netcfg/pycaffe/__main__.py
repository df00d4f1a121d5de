"""``python -m netcfg.pycaffe SCRIPT ARGS``: runs a program that was written for Caffe."""

import sys

from netcfg.pycaffe.run import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
