"""Solvers: learning rates, update rules, the training loop and what listens to it."""

from netcfg.solver.solver import Solver

__all__ = ["Solver"]
