"""oneDNN: the engine of x86-64 CPUs, bound to the C library through ctypes."""
