"""Learning curves: loss, accuracy and learning rate over the iterations, as a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from netcfg.io.files import write_whole

Record = Mapping[str, Any]
TRAIN_COLORS = ("#4878a8", "#7fa8cf", "#2b4c6f")
TEST_COLORS = ("#d1603d", "#3d9970", "#8e5ea2", "#b8860b", "#5f6b6d")
GREY = "#6b7075"
MARKED = 60
"""A test curve of more points is drawn without markers."""
LOG_RATIO = 50
"""A loss or rate that spans more than this factor gets a logarithmic axis."""
HEIGHTS = {"loss": 3.0, "accuracy": 3.0, "learning rate": 1.2}


@dataclass
class Line:
    """One curve of a panel."""

    label: str
    test: bool = False
    xs: list[int] = field(default_factory=list)
    ys: list[float] = field(default_factory=list)


def draw_curves(records: Sequence[Record], path: str | Path, title: str) -> None:
    """Write a PNG of a run.

    Args:
        records: as in ``metrics.jsonl``.
        path: of the picture.
        title: what stands above it.
    """
    panels = collect(records)
    heights = [HEIGHTS[name] for name in panels]
    figure = Figure(figsize=(8, 1.2 + 1.05 * sum(heights)), dpi=120, layout="constrained")
    axes = figure.subplots(
        max(1, len(panels)), 1, sharex=True, squeeze=False, height_ratios=heights or None
    )[:, 0]
    for ax, (name, lines) in zip(axes, panels.items(), strict=False):
        _draw(ax, name, lines)
    axes[-1].set_xlabel("iteration")
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.suptitle(title, fontsize=13, fontweight="bold")
    FigureCanvasAgg(figure)
    with write_whole(path) as file:
        figure.savefig(file, format="png")


def collect(records: Sequence[Record]) -> dict[str, list[Line]]:
    """Return the curves by panel; values that are missing or not finite are left out."""
    panels: dict[str, dict[str, Line]] = {name: {} for name in HEIGHTS}
    several = any(record.get("net") for record in records)
    for record in records:
        test = record.get("phase") == "test"
        who = "train" if not test else f"test {record['net']}" if several else "test"
        if not test:
            _add(panels["loss"], "train loss", record, record.get("loss"))
            _add(panels["learning rate"], "learning rate", record, record.get("lr"))
        for name, value in record.get("outputs", {}).items():
            if "acc" in name.lower():
                _add(panels["accuracy"], f"{who} {name}", record, value)
            elif test and "loss" in name.lower():
                _add(panels["loss"], f"{who} {name}", record, value)
    return {name: list(lines.values()) for name, lines in panels.items() if lines}


def _add(lines: dict[str, Line], label: str, record: Record, value: Any) -> None:
    if isinstance(value, int | float):
        line = lines.setdefault(label, Line(label, record.get("phase") == "test"))
        line.xs.append(record["iteration"])
        line.ys.append(value)


def _draw(ax: Axes, name: str, lines: Sequence[Line]) -> None:
    train, test = iter(TRAIN_COLORS * len(lines)), iter(TEST_COLORS * len(lines))
    for line in lines:
        if line.test:
            style: dict[str, Any] = {"color": next(test), "linewidth": 1.8, "zorder": 3}
            if len(line.xs) <= MARKED:
                style |= {"marker": "o", "markersize": 4}
        else:
            color = GREY if name == "learning rate" else next(train)
            style = {"color": color, "linewidth": 1.2}
        ax.plot(line.xs, line.ys, label=line.label, **style)
    _style(ax, name, lines)


def _style(ax: Axes, name: str, lines: Sequence[Line]) -> None:
    ax.set_ylabel(name)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, color="#e4e6e8", linewidth=0.8)
    ax.set_axisbelow(True)
    values = [y for line in lines for y in line.ys]
    if name != "accuracy" and min(values) > 0 and max(values) > LOG_RATIO * min(values):
        ax.set_yscale("log")
    if name != "learning rate":
        ax.legend(frameon=False)
