import pytest

from netcfg.solver.hooks import BadData, CaffeLog, NanGuard, ProgressBar, Signals, default_hooks


class Terminal:
    def __init__(self, terminal: bool) -> None:
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize("terminal", [True, False])
def test_default_hooks(terminal: bool) -> None:
    kinds = [type(h) for h in default_hooks(Terminal(terminal), files=False)]  # type: ignore[arg-type]
    bar = [ProgressBar] if terminal else []
    assert kinds == [*bar, CaffeLog, BadData, NanGuard, Signals]


def test_files_are_written_before_the_guards_can_fail() -> None:
    names = [type(hook).__name__ for hook in default_hooks(Terminal(False))]  # type: ignore[arg-type]
    assert names.index("MetricsJsonl") < names.index("Curve") < names.index("NanGuard")
