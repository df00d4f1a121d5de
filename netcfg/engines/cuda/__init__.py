"""The engine of NVIDIA GPUs."""
