"""The shape of the house: imports go one way, files stay short, each has its tests."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(
    path for path in ROOT.glob("netcfg/**/*.py") if not any(p.startswith(".") for p in path.parts)
)

ORDER = (
    "errors types table blob user_code",
    "netcfg_pb2",
    "io.wire io.blobs io.preparation",
    "io.files io.download io.caffemodel io.hdf5 zoo.card zoo.store trace",
    "field_docs places",
    "prototxt prototxt_values prototxt_tokens prototxt_printer forks fork_use",
    "upgrade upgrade_v0 schema phases overrides",
    "io",
    "engines",
    "fillers param placement",
    "layer",
    "weights io.snapshot",
    "data",
    "layers plugins",
    "graph",
    "plan",
    "carried fuse fused",
    "memory captured prepared",
    "net",
    "recorded testing summary timing average_precision scoring shapes features debug_info",
    "solver",
    "deploy deploy_inputs merge region_nets",
    "check zoo convert vision parallel pycaffe upgrade_files draw devices model_card",
    "cli __main__",
)
"""Modules of netcfg, lowest first: a line may import itself and the lines above it.

A package stands for its modules, unless one has a place of its own.
"""

RANK = {name: rank for rank, names in enumerate(ORDER) for name in names.split()}
ANYWHERE = {""}
"""``netcfg`` itself: it imports its public names when they are first used."""

NO_TESTS = {
    "netcfg/__main__.py": "one call of netcfg.cli",
    "netcfg/netcfg_pb2.py": "generated",
    "netcfg/types.py": "names only",
}
"""Files without a test file of their own, and why; also each ``__init__.py`` without functions."""


def module(path: Path) -> str:
    """Return the name below netcfg: ``layers.conv``, and ``""`` for netcfg itself."""
    parts = path.relative_to(ROOT / "netcfg").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(path) for path in FILES}


def imports(path: Path) -> set[str]:
    """Return the modules below netcfg that a file imports, at its top or within functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            inner = {f"{base}.{a.name}" for a in node.names} & {f"netcfg.{m}" for m in MODULES}
            found.update(inner or {base})
    return {name.partition(".")[2] for name in found if name.split(".")[0] == "netcfg"}


def rank(name: str) -> int | None:
    """Return the line of a module in ``ORDER``, of its own or of its package."""
    while name not in RANK:
        if "." not in name:
            return None
        name = name.rpartition(".")[0]
    return RANK[name]


def test_every_module_has_its_place_in_the_order():
    assert [m for m in sorted(MODULES - ANYWHERE) if rank(m) is None] == []


@pytest.mark.parametrize("path", FILES, ids=lambda p: module(p) or "netcfg")
def test_imports_go_one_way(path):
    name = module(path)
    if name in ANYWHERE:
        return
    own = rank(name)
    wrong = [i for i in imports(path) - ANYWHERE if own is None or (rank(i) or 0) > own]
    assert wrong == [], f"netcfg.{name} may not import these"


def test_what_the_table_catches():
    assert (rank("io.files"), rank("io.image")) == (RANK["io.files"], RANK["io"])
    assert rank("nothing") is None
    assert rank("layers.conv") < rank("net") < rank("solver.hooks.curve") < rank("cli.train")
    assert {"netcfg_pb2", "errors", "layer"} <= imports(ROOT / "netcfg/layers/loss.py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: module(p) or "netcfg")
def test_files_have_at_most_400_lines(path):
    if path.name != "netcfg_pb2.py":
        assert len(path.read_text().splitlines()) <= 400


def test_every_file_has_a_test_file():
    missing = [
        mirrors(path)[0]
        for path in FILES
        if str(path.relative_to(ROOT)) not in NO_TESTS
        and not any((ROOT / name).exists() for name in mirrors(path))
        and not (path.name == "__init__.py" and not has_functions(path))
    ]
    assert missing == []


def test_exceptions_exist():
    assert [name for name in NO_TESTS if not (ROOT / name).exists()] == []


def mirrors(path: Path) -> list[str]:
    """Return where the tests of a file may be; for a package also beside it, under its name."""
    inner = Path("tests", *path.relative_to(ROOT).parts[1:])
    if path.name != "__init__.py":
        return [str(inner.with_name(f"test_{path.name}"))]
    named = inner.parent.parent if path.parent.name != "netcfg" else inner.parent
    return [str(inner.with_name("test_init.py")), str(named / f"test_{path.parent.name}.py")]


def has_functions(path: Path) -> bool:
    body = ast.parse(path.read_text()).body
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in body)
