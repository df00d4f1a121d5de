"""Scripts that measure netcfg beside its peers."""
