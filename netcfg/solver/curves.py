"""Learning curves: loss, accuracy and learning rate over iterations or time, as a picture."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from netcfg.errors import NetError
from netcfg.io.files import write_whole

Record = Mapping[str, Any]
TRAIN_COLORS = ("#4878a8", "#7fa8cf", "#2b4c6f")
TEST_COLORS = ("#d1603d", "#3d9970", "#8e5ea2", "#b8860b", "#5f6b6d")
RUN_COLORS = ("#2f6da3", "#d1603d", "#3d9970", "#8e5ea2", "#b8860b", "#4f5b5e", "#c2407a")
"""Where several runs share a picture."""
DASHES = ("-", "--", "-.", ":")
GREY = "#6b7075"
MARKED = 60
"""A test curve of more points is drawn without markers."""
LOG_RATIO = 50
"""A loss or rate that spans more than this factor gets a logarithmic axis."""
HEIGHTS = {"loss": 3.0, "accuracy": 3.0, "learning rate": 1.2}


@dataclass
class Line:
    """One curve of a panel; ``run`` is the index of its run among several."""

    label: str
    test: bool = False
    xs: list[float] = field(default_factory=list)
    ys: list[float] = field(default_factory=list)
    run: int | None = None


Panels = dict[str, list[Line]]


def draw_curves(records: Sequence[Record], path: str | Path, title: str) -> None:
    """Write a picture of a run, in the format of the path's suffix.

    Args:
        records: as in ``metrics.jsonl``.
        path: of the picture.
        title: what stands above it.
    """
    draw_panels(collect(records), path, title)


def draw_panels(panels: Panels, path: str | Path, title: str, x: str = "iteration") -> None:
    """Write a picture of panels one above the other; see ``draw_curves``.

    Raises:
        NetError: there is no such format, or the file cannot be written.
    """
    heights = [HEIGHTS.get(name, 3.0) for name in panels]
    figure = Figure(figsize=(8, 1.2 + 1.05 * sum(heights)), dpi=120, layout="constrained")
    axes = figure.subplots(
        max(1, len(panels)), 1, sharex=True, squeeze=False, height_ratios=heights or None
    )[:, 0]
    for ax, (name, lines) in zip(axes, panels.items(), strict=False):
        _draw(ax, name, lines)
    axes[-1].set_xlabel(x)
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=x == "iteration"))
    figure.suptitle(_plain(title), fontsize=13, fontweight="bold")
    canvas = FigureCanvasAgg(figure)
    form, known = Path(path).suffix.removeprefix(".").lower(), canvas.get_supported_filetypes()
    if form not in known:
        raise NetError(f"'{path}' must end in a format (known: {', '.join(sorted(known))})")
    with write_whole(path) as file:
        figure.savefig(file, format=form)


def compare(runs: Mapping[str, Sequence[Record]], x: str = "iteration") -> Panels:
    """Return the curves of several runs by panel, labelled with the names of the runs.

    Where a resumed run repeats iterations, the last records of them count.
    """
    panels: Panels = {}
    for index, (name, records) in enumerate(runs.items()):
        last = {(r["iteration"], r.get("phase"), r.get("net")): r for r in records}
        ordered = sorted(last.values(), key=lambda record: record["iteration"])
        for panel, lines in collect(ordered, x, every=True).items():
            for line in lines:
                line.run = index if len(runs) > 1 else None
                line.label = f"{name}: {line.label}" if len(runs) > 1 else line.label
            panels.setdefault(panel, []).extend(lines)
    order = [*HEIGHTS, *panels]
    return dict(sorted(panels.items(), key=lambda panel: order.index(panel[0])))


def collect(records: Sequence[Record], x: str = "iteration", every: bool = False) -> Panels:
    """Return the curves by panel; values that are missing or not finite are left out.

    Args:
        records: of a run.
        x: the field to draw over, ``iteration`` or ``seconds``.
        every: whether outputs that are neither losses nor accuracies get panels of their own.
    """
    panels: dict[str, dict[str, Line]] = {name: {} for name in HEIGHTS}
    several = any(record.get("net") for record in records)
    for record in records:
        test = record.get("phase") == "test"
        who = "train" if not test else f"test {record['net']}" if several else "test"
        at = record.get(x)
        if at is None:
            continue
        add = partial(_add, at, test)
        if not test:
            add(panels["loss"], "train loss", record.get("loss"))
            add(panels["learning rate"], "learning rate", record.get("lr"))
        for name, value in record.get("outputs", {}).items():
            if "acc" in name.lower():
                add(panels["accuracy"], f"{who} {name}", value)
            elif "loss" in name.lower():
                if test:
                    add(panels["loss"], f"{who} {name}", value)
            elif every:
                add(panels.setdefault(name, {}), f"{who} {name}", value)
    return {name: list(lines.values()) for name, lines in panels.items() if lines}


def _add(at: float, test: bool, lines: dict[str, Line], label: str, value: Any) -> None:
    if isinstance(value, int | float):
        line = lines.setdefault(label, Line(label, test))
        line.xs.append(at)
        line.ys.append(value)


def _draw(ax: Axes, name: str, lines: Sequence[Line]) -> None:
    train, test = iter(TRAIN_COLORS * len(lines)), iter(TEST_COLORS * len(lines))
    dashes: dict[tuple[int, bool], Iterator[str]] = {}
    for line in lines:
        if line.test:
            style: dict[str, Any] = {"color": next(test), "linewidth": 1.8, "zorder": 3}
            if len(line.xs) <= MARKED:
                style |= {"marker": "o", "markersize": 4}
        else:
            color = GREY if name == "learning rate" else next(train)
            style = {"color": color, "linewidth": 1.2}
        if line.run is not None:
            # The color tells the run; what else a run has in the panel differs in its dashes.
            style["color"] = RUN_COLORS[line.run % len(RUN_COLORS)]
            style["alpha"] = 1.0 if line.test or name == "learning rate" else 0.55
            kinds = dashes.setdefault((line.run, line.test), cycle(DASHES))
            style["linestyle"] = next(kinds)
        ax.plot(line.xs, line.ys, label=_plain(line.label), **style)
    _style(ax, name, lines)


def _style(ax: Axes, name: str, lines: Sequence[Line]) -> None:
    ax.set_ylabel(_plain(name))
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, color="#e4e6e8", linewidth=0.8)
    ax.set_axisbelow(True)
    values = [y for line in lines for y in line.ys]
    if name != "accuracy" and min(values) > 0 and max(values) > LOG_RATIO * min(values):
        ax.set_yscale("log")
    if name != "learning rate" or len(lines) > 1:
        ax.legend(frameon=False)


def _plain(text: str) -> str:
    """Return a text that is shown as it is: no formula between dollars, no hidden label."""
    return text.replace("$", r"\$").lstrip("_")
