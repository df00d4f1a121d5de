"""Raw answers of detectors, offsets and scores, as boxes in the picture."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from netcfg.errors import NetError, nearest
from netcfg.io.files import of_zoo
from netcfg.layers.anchors import suppress

Rows: TypeAlias = npt.NDArray[np.float64]
"""(R, 6): label, score, x1, y1, x2, y2; labels begin at 1, 0 is the background."""

FILE = "decode.toml"
"""How raw boxes of a model are decoded; lies beside its card."""


@dataclass(frozen=True)
class Grid:
    """The anchors of one map.

    Attributes:
        cells: rows and columns of the map.
        anchors: width and height of the anchors of a cell, as shares of the input.
        step: pixels of the input from one cell to the next; input / cells where 0.
    """

    cells: tuple[int, int]
    anchors: tuple[tuple[float, float], ...]
    step: float = 0


@dataclass(frozen=True)
class Decoding:
    """How boxes are made of offsets (N, A, 4) and scores (N, A, K) of A anchors.

    x = x_a + v₀ w_a dx,  w = w_a exp(v₂ dw), of middles and sides, as SSD codes them; anchors go
    map by map, row by row, cell by cell.

    Attributes:
        boxes, scores: names of the blobs.
        grids: of each map.
        variances: of x, y, width and height.
        background: whether the first of the scores is that of the background.
        nms: greatest intersection over union of two boxes of a class.
        decoded: whether the blob holds corners as shares of the input, not offsets.
    """

    boxes: str
    scores: str
    grids: tuple[Grid, ...] = ()
    variances: tuple[float, ...] = (0.1, 0.1, 0.2, 0.2)
    background: bool = True
    nms: float = 0.45
    decoded: bool = False

    def anchors(self, size: tuple[int, int]) -> npt.NDArray[np.float64]:
        """Return the anchors for an input of this height and width: middles and sides, (A, 4)."""
        found = []
        for grid in self.grids:
            steps = [
                grid.step / s if grid.step else 1 / c for s, c in zip(size, grid.cells, strict=True)
            ]
            y, x = (np.mgrid[: grid.cells[0], : grid.cells[1]] + 0.5) * np.reshape(steps, (2, 1, 1))
            for_each = np.ones((*grid.cells, len(grid.anchors), 1))
            sides = np.array(grid.anchors) * for_each
            cells = np.concatenate(
                [x[..., None, None] * for_each, y[..., None, None] * for_each, sides], -1
            )
            found.append(cells.reshape(-1, 4))
        return np.concatenate(found)

    def corners(self, offsets: np.ndarray, size: tuple[int, int]) -> npt.NDArray[np.float64]:
        """Return boxes (A, 4) as shares of the input.

        Raises:
            NetError: there are not as many offsets as anchors.
        """
        if self.decoded:
            return offsets.astype(float)
        anchors = self.anchors(size)
        if anchors.shape != offsets.shape:
            raise NetError(
                f"blob '{self.boxes}' holds offsets of {len(offsets)} boxes; the maps of {FILE} "
                f"have {len(anchors)} anchors"
            )
        offsets = offsets * np.array(self.variances)
        middle = anchors[:, :2] + offsets[:, :2] * anchors[:, 2:]
        half = anchors[:, 2:] * np.exp(np.minimum(offsets[:, 2:], 20)) / 2
        return np.concatenate([middle - half, middle + half], axis=1)


def best_boxes(boxes: np.ndarray, scores: np.ndarray, threshold: float, nms: float) -> Rows:
    """Return the boxes whose score reaches a threshold, of overlapping ones of a class the best.

    Args:
        boxes: corners (A, 4), or (A, K, 4) with own ones for each class.
        scores: (A, K), without the background.
        threshold: least score.
        nms: greatest intersection over union of two boxes of a class.
    """
    found = []
    for k in range(scores.shape[1]):
        (place,) = np.nonzero(scores[:, k] >= threshold)
        place = place[np.argsort(-scores[place, k], kind="stable")]
        own = boxes[place] if boxes.ndim == 2 else boxes[place, k]
        kept = suppress(own, nms, edge=0)
        labels = np.full((len(kept), 1), k + 1.0)
        found.append(np.concatenate([labels, scores[place[kept], k][:, None], own[kept]], axis=1))
    rows = np.concatenate(found)
    return rows[np.argsort(-rows[:, 1], kind="stable")]


# Reading ---------------------------------------------------------------------------------------


def read_decoding(path: str | Path) -> Decoding:
    """Read how raw boxes are decoded, from a TOML file.

    Raises:
        NetError: it is no TOML, or says something else.
    """
    try:
        table = tomllib.loads(Path(of_zoo(path)).read_text("utf-8"))
    except OSError as error:
        raise NetError(f"cannot read '{path}': {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise NetError(f"{path}: {error}") from error
    try:
        return _decoding(table)
    except NetError as error:
        raise error.at(str(path)) from None


_KEYS = ("boxes", "scores", "variances", "background", "nms", "decoded", "map")
_MAP_KEYS = ("cells", "anchors", "step")


def _decoding(table: Mapping[str, Any]) -> Decoding:
    _check_keys(table, _KEYS)
    for key in ("boxes", "scores"):
        if not isinstance(table.get(key), str):
            raise NetError(f"key '{key}' must name a blob; given {table.get(key)!r}")
    for key in ("background", "decoded"):
        if not isinstance(table.get(key, True), bool):
            raise NetError(f"key '{key}' must be true or false; given {table[key]!r}")
    maps = table.get("map", [])
    if not isinstance(maps, list) or not (maps or table.get("decoded")):
        raise NetError("a table [[map]] must give cells and anchors of each map of the net")
    grids = tuple(_grid(one) for one in maps)
    variances = tuple(_numbers(table.get("variances", [0.1, 0.1, 0.2, 0.2]), "variances", 4))
    nms = _numbers([table.get("nms", 0.45)], "nms", 1)[0]
    return Decoding(
        table["boxes"],
        table["scores"],
        grids,
        variances,
        table.get("background", True),
        nms,
        table.get("decoded", False),
    )


def _grid(table: Any) -> Grid:
    if not isinstance(table, dict):
        raise NetError("map must be a table, [[map]]")
    _check_keys(table, _MAP_KEYS)
    rows, columns = _numbers(table.get("cells"), "cells", 2)
    anchors = table.get("anchors")
    if not isinstance(anchors, list) or not anchors:
        raise NetError("key 'anchors' must be a list of [width, height]")
    sides = tuple((w, h) for w, h in (_numbers(pair, "anchors", 2) for pair in anchors))
    step = _numbers([table.get("step", 0)], "step", 1, least=0)[0]
    return Grid((int(rows), int(columns)), sides, step)


def _check_keys(table: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in table:
        if key not in known:
            raise NetError(f"unknown key '{key}'{nearest(key, known)} (known: {', '.join(known)})")


def _numbers(given: Any, key: str, count: int, least: float = 1e-12) -> list[float]:
    right = isinstance(given, list) and len(given) == count
    if not right or any(
        isinstance(n, bool) or not isinstance(n, int | float) or n < least for n in given
    ):
        raise NetError(
            f"key '{key}' must be {count} number{'s' * (count > 1)} above 0; given {given!r}"
        )
    return [float(n) for n in given]
