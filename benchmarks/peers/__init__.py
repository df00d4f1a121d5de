"""Processes that run the same nets, ours and theirs."""
