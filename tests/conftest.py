"""Settings of the whole suite, made before NumPy is imported."""

import os

# OpenBLAS spins while it waits for its threads, which on a busy machine costs tenfold.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
