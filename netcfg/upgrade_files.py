"""Files of old ages → files as Caffe reads them today: nets, solvers and weights."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from netcfg.errors import NetError
from netcfg.io.caffemodel import HDF5_MAGIC
from netcfg.io.files import find_file, write_whole
from netcfg.io.upgrade_weights import upgrade_weights
from netcfg.netcfg_pb2 import NetParameter, SolverParameter
from netcfg.schema import Finding, kind_of, parse, parse_net, parse_solver, to_text

Kind = Literal["net", "solver", "weights"]

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
"""Bytes that no text holds, and every message does: lengths and numbers of fields."""


@dataclass(frozen=True)
class Upgraded:
    """What became of a file.

    Attributes:
        kind: of the file.
        changed: whether it needed an upgrade; otherwise the new file is a copy.
        findings: what was upgraded, and what a reader of the file should know besides.
    """

    kind: Kind
    changed: bool
    findings: tuple[Finding, ...]


def upgrade_file(path: str | Path, out: str | Path, kind: Kind | None = None) -> Upgraded:
    """Write a net, a solver or weights of any age as of today.

    Fields of forks stay. Comments go, unless the file is current and therefore copied.

    Args:
        path: of the old file.
        out: of the new one; it may be the same.
        kind: of the file, if its content is not to decide.

    Raises:
        NetError: the file is missing, damaged or of no or another kind, or ``out`` cannot be
            written.
    """
    source = find_file(str(path))
    kind = kind or _kind(source)
    if kind == "weights":
        return Upgraded(kind, *upgrade_weights(source, out))
    data = source.read_bytes()
    if _CONTROL.search(data):
        raise NetError(f"'{path}' must hold a {kind} as text; it holds binary data")
    text = data.decode("utf-8", "surrogateescape")
    file, message_class, upgrade = str(path), _CLASSES[kind], _UPGRADES[kind]
    upgraded, findings = upgrade(text, file)
    changed = upgraded != parse(text, message_class, file).message
    new = to_text(upgraded).encode("utf-8", "surrogateescape") if changed else data
    with write_whole(out) as target:
        target.write(new)
    return Upgraded(kind, changed, findings)


_CLASSES: dict[str, Any] = {"net": NetParameter, "solver": SolverParameter}
_UPGRADES: dict[str, Any] = {"net": parse_net, "solver": parse_solver}


def _kind(path: Path) -> Kind:
    """Return what a file holds, judged by its content."""
    with open(path, "rb") as file:
        head = file.read(1 << 16)
    if head.startswith(HDF5_MAGIC):
        raise NetError(f"'{path}' holds weights in HDF5, which have one age: nothing to upgrade")
    return "weights" if _CONTROL.search(head) else kind_of(path)
