"""The fixtures of the zoo's tests."""

from tests.zoo.folders import mine, server

__all__ = ["mine", "server"]
