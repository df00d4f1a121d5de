"""A stop watch."""

from time import perf_counter


class Timer:
    """Measures the time between ``start`` and ``stop``."""

    def __init__(self) -> None:
        self._started: float | None = None
        self._seconds = 0.0

    def start(self) -> None:
        """Begin to measure, unless it runs already."""
        if self._started is None:
            self._started = perf_counter()

    def stop(self) -> None:
        """End the measurement."""
        if self._started is not None:
            self._seconds = perf_counter() - self._started
            self._started = None

    @property
    def ms(self) -> float:
        """Milliseconds of the last measurement, which this ends where it still runs."""
        self.stop()
        return self._seconds * 1e3
