"""Bring the tables of docs/caffe.md up to date with the code.

    python tools/gen_caffe_table.py           write the page
    python tools/gen_caffe_table.py --check   exit 1 if it is stale, and write nothing

What stands between ``<!-- NAME: ... -->`` and ``<!-- end NAME -->`` is made here: which of Caffe's
layers, rules, fillers, fields, tools and names in Python there are, and where. A name of Caffe's
that netcfg lacks is shown as lacking. The rest of the page is written by hand.
"""

import argparse
import ast
import importlib
import inspect
import re
import sys
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import caffe_names as names

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import netcfg.pycaffe as caffe  # noqa: E402 - needs the path above
from netcfg.cli.main import COMMANDS  # noqa: E402
from netcfg.field_docs import field_docs  # noqa: E402
from netcfg.fillers import FILLERS  # noqa: E402
from netcfg.layer import registry  # noqa: E402
from netcfg.netcfg_pb2 import SolverParameter  # noqa: E402
from netcfg.pycaffe import run  # noqa: E402
from netcfg.solver.rules import RULES  # noqa: E402
from netcfg.solver.schedule import POLICIES  # noqa: E402

PAGE = ROOT / "docs/caffe.md"
BVLC = ROOT / "tests/data/bvlc_fields.tsv"
YES, NO = "✓", "–"

NET = """
layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: [1, 1] } } }
layer { name: 'ip' type: 'InnerProduct' bottom: 'x' top: 'ip'
  inner_product_param { num_output: 1 } }
layer { name: 'loss' type: 'EuclideanLoss' bottom: 'ip' bottom: 'x' top: 'loss' }
"""

FIELD_NOTES = {
    "solver_mode": "GPU takes a card; where there is none it warns, with `--strict` fails",
    "device_id": "the card where `solver_mode: GPU` is given; `--gpu` goes before it",
    "layer_wise_reduce": "passed over: a matter of several GPUs",
    "solver_type": "becomes `type` when it is read",
}
"""What is to be said of fields, where a tick is not the whole truth."""


def main() -> int:
    """Write the page or compare it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether it is up to date")
    args = parser.parse_args()
    old = PAGE.read_text(encoding="utf-8")
    new = fill(old)
    if args.check and old != new:
        print(f"{PAGE.name} is stale: run python tools/gen_caffe_table.py", file=sys.stderr)
        return 1
    if not args.check:
        PAGE.write_text(new, encoding="utf-8")
    return 0


def fill(page: str) -> str:
    """Return the page with every marked part made anew."""
    for name, make in PARTS.items():
        begin, end = f"<!-- {name}: made by tools/gen_caffe_table.py -->", f"<!-- end {name} -->"
        if page.count(begin) != 1 or page.count(end) != 1:
            raise SystemExit(f"{PAGE.name} must have one '{begin}' and one '{end}'")
        head, rest = page.split(begin)
        page = f"{head}{begin}\n\n{make()}\n{end}{rest.split(end)[1]}"
    return page


def table(head: str, rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown; ``head`` names the columns."""
    columns = [name.strip() for name in head.split("|")]
    lines = [columns, ["---"] * len(columns), *map(list, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def layers() -> str:
    """Make the table of layer types."""
    known = names.LAYERS.split()
    rows = [(f"`{name}`", *entry(registry.get(name), first_sentence)) for name in known]
    more = sorted(name for name in set(registry) - set(known) if built_in(name))
    text = f"{sum(name in registry for name in known)} of Caffe's {len(known)} layer types.\n\n"
    text += table("type | here | what it does | where", rows)
    if more:
        text += f"\nBeyond Caffe's: {', '.join(f'`{name}`' for name in more)}.\n"
    return text


def solver() -> str:
    """Make the tables of update rules, learning rates and fillers."""
    rules = [(f"`{n}`", *entry(RULES.get(n), first_sentence)) for n in names.RULES.split()]
    formulas = {name: policy.formula for name, policy in POLICIES.items()}
    policies = [(f"`{n}`", *entry(formulas.get(n), formula)) for n in names.POLICIES.split()]
    fillers = [(f"`{n}`", *entry(FILLERS.get(n), formula)) for n in names.FILLERS.split()]
    return "\n".join(
        table(f"{what} | here | what it is | where", rows)
        for what, rows in (("`type`", rules), ("`lr_policy`", policies), ("filler", fillers))
    )


def fields() -> str:
    """Make the table of SolverParameter's fields."""
    used = words_of("netcfg/solver", "netcfg/upgrade.py", "netcfg/cli")
    says = {
        doc.name: doc.comment.split(". ")[0].rstrip(".") for doc in field_docs("SolverParameter")
    }
    rows = []
    for name in bvlc_fields("SolverParameter"):
        here = YES if name in used and name in SolverParameter.DESCRIPTOR.fields_by_name else NO
        rows.append((f"`{name}`", here, FIELD_NOTES.get(name, says.get(name, ""))))
    return table("field | here | what it says", rows)


def tools() -> str:
    """Make the table of programs."""
    rows = []
    for tool in names.TOOLS:
        here = [f"`netcfg {name}`" for name in tool.commands if name in COMMANDS]
        if tool.file and (ROOT / tool.file).exists():
            here = [f"`{tool.file}`"]
        rows.append((tool.name, ", ".join(here) or NO, tool.note))
    served = {name for tool in names.TOOLS for name in tool.commands}
    more = ", ".join(f"`netcfg {name}`" for name in COMMANDS if name not in served)
    return table("Caffe's | here | notes", rows) + f"\nBeyond Caffe's: {more}.\n"


def python() -> str:
    """Make the table of pycaffe's names."""
    rows = []
    for owner, listed in names.PYCAFFE.items():
        having = objects()[owner]
        reasons = names.PYCAFFE_MISSING.get(owner, {})
        lacking = [name for name in listed.split() if not has(having, name)]
        if stray := set(reasons) - set(lacking):
            raise SystemExit(f"{owner} has {', '.join(sorted(stray))}, said to be missing")
        there = " ".join(f"`{name}`" for name in listed.split() if name not in lacking)
        why: dict[str, list[str]] = {}
        for name in lacking:
            why.setdefault(reasons.get(name, ""), []).append(f"`{name}`")
        missing = "; ".join(f"{' '.join(n)} ({w})" if w else " ".join(n) for w, n in why.items())
        rows.append((f"`{owner}`", there, missing))
    return table("object | has | lacks", rows)


def entry(thing: Any, describe: Callable[[Any], str]) -> tuple[str, str, str]:
    """Return whether there is such a thing, what it does and where it stands."""
    return (YES, describe(thing), place(thing)) if thing is not None else (NO, "", "")


def first_sentence(thing: Any) -> str:
    """Return the first sentence of a docstring as Markdown."""
    return (
        re.split(r"\.(?:\s|$)", inspect.getdoc(thing) or "")[0]
        .replace("``", "`")
        .replace("\n", " ")
        .replace("|", r"\|")
    )


def formula(function: Any) -> str:
    """Return what a function returns, as its docstring says."""
    return first_sentence(function).removeprefix("Return ")


def place(thing: Any) -> str:
    """Return the file of a class or function as a link."""
    module = thing.__module__
    path = Path(*module.split(".")).with_suffix(".py")
    return f"[{module.removeprefix('netcfg.')}](../{path})"


def built_in(name: str) -> bool:
    """Return whether a layer is netcfg's own: a program may have registered others."""
    return registry[name].__module__.startswith("netcfg.layers.")


def bvlc_fields(message: str) -> list[str]:
    """Return the fields of one of Caffe's messages."""
    rows = [line.split("\t") for line in BVLC.read_text(encoding="utf-8").splitlines()[1:]]
    return [row[2] for row in rows if row[:2] == [message, "field"]]


def words_of(*places: str) -> set[str]:
    """Return the attributes and strings that code under these places mentions."""
    found = set()
    for place_ in places:
        top = ROOT / place_
        for path in [top] if top.is_file() else top.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute):
                    found.add(node.attr)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
    return found


@cache
def objects() -> dict[str, Any]:
    """Return the objects and modules that pycaffe's names are looked for in."""
    run.install()
    with tempfile.TemporaryDirectory() as folder:
        net_file, solver_file = Path(folder, "net.prototxt"), Path(folder, "solver.prototxt")
        net_file.write_text(NET, encoding="utf-8")
        solver_file.write_text(f'net: "{net_file}" base_lr: 1 lr_policy: "fixed"', encoding="utf-8")
        a_solver = caffe.SGDSolver(str(solver_file))
    net = a_solver.net
    made = {
        "caffe": caffe,
        "caffe.Net": net,
        "net.blobs[name]": net.blobs["x"],
        "net.params[name][i]": net.params["ip"][0],
        "net.layers[i]": net.layers[0],
        "caffe.SGDSolver": a_solver,
        "solver.param": a_solver.param,
        "caffe.Layer": caffe.Layer,
        "caffe.Timer": caffe.Timer(),
        "caffe.Classifier": caffe.Classifier,
        "caffe.Detector": caffe.Detector,
        "caffe.io.Transformer": caffe.io.Transformer,
    }
    modules = {owner for owner in names.PYCAFFE if owner not in made}
    return made | {owner: importlib.import_module(owner) for owner in modules}


def has(thing: Any, name: str) -> bool:
    """Return whether an object has a name, without computing a property of its class."""
    return name in dir(thing)


PARTS: dict[str, Callable[[], str]] = {
    "layers": layers,
    "solver": solver,
    "fields": fields,
    "tools": tools,
    "python": python,
}
"""Marked parts of the page, and what makes them."""


if __name__ == "__main__":
    sys.exit(main())
