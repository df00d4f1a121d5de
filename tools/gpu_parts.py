"""What ``gpu_check`` looks at; each function returns a line, or raises what is wrong."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

RELEVANT = ("cupy", "cuda", "cudnn", "nvmath", "nvidia", "torch", "numpy")


class WrongError(Exception):
    """A part has found something wrong."""


def device() -> str:
    """Say what the card and its libraries are, and keep its properties."""
    engine = _engine()
    found = engine.device
    properties = found.xp.cuda.runtime.getDeviceProperties(found.index)
    packages = sorted(
        f"{d.name} {d.version}"
        for d in importlib.metadata.distributions()
        if any(word in d.name.lower() for word in RELEVANT)
    )
    print("packages:", ", ".join(packages), file=sys.stderr)
    out = os.environ.get("OUT")
    if out and found.graphs is not None:
        import cudnn

        text = cudnn.create_device_properties(0).serialize()
        Path(out, "device_properties.json").write_text(
            text if isinstance(text, str) else repr(text)
        )
    missing = f"; {'; '.join(found.reasons)}" if found.reasons else ""
    version = found.graphs._cudnn.backend_version() if found.graphs else "none"
    free, total = found.memory()
    return (
        f"{properties['name'].decode()}, {found.capability()}, {free >> 30} of {total >> 30} GiB "
        f"free, cuDNN {version}, cuBLASLt {'yes' if found.products else 'no'}{missing}"
    )


def parity(storage: str = "float32", tolerance: float = 3e-5) -> str:
    """Compare every primitive with NumPy's."""
    import numpy as np

    from netcfg.engines import Engine
    from tests.engines.cases import CALLS, Kept, primitive
    from tests.engines.test_base import LAYOUTS, arguments, leaves, mapped

    engine, wide = _engine(storage), Engine()
    xp, wrong, count = engine.xp, [], 0

    def made(e: Any, args: list[Any]) -> list[Any]:
        return [getattr(e, a.name)(*a.args)[-1] if isinstance(a, Kept) else a for a in args]

    for name in CALLS:
        if primitive(name) in ("max_pool_places",) or (storage[-2:] == "16" and "pool" in name):
            continue
        for layout in LAYOUTS:
            args = arguments(name, np.float32, layout)
            there = [mapped(xp.asarray, a) for a in args]
            try:
                got = next(leaves(getattr(engine, primitive(name))(*made(engine, there))))
                wanted = next(leaves(getattr(wide, primitive(name))(*made(wide, args))))
                got = engine.to_numpy(got).astype(np.float64)
                size = max(1.0, float(np.abs(wanted.astype(np.float64)).max(initial=0)))
                error = float(np.abs(got - wanted.astype(np.float64)).max(initial=0)) / size
                if not error <= tolerance:
                    wrong.append(f"{name} ({layout.__name__}): {error:.1e}")
            except Exception as error:  # each call is a finding of its own
                wrong.append(f"{name} ({layout.__name__}): {type(error).__name__}: {error}"[:160])
            count += 1
    return _judge(wrong, count, f"calls within {tolerance:g} of NumPy")


def parity_mixed() -> str:
    """Compare with TF32 and 16-bit floats between layers."""
    return "; ".join(
        f"{s}: {parity(s, t)}" for s, t in (("tf32", 5e-3), ("float16", 2e-2), ("bfloat16", 8e-2))
    )


def gradients() -> str:
    """Compare the gradients of layers in float64 with those on NumPy."""
    import numpy as np

    from netcfg.engines import Engine
    from netcfg.errors import DataError
    from netcfg.layer import as_arrays
    from netcfg.placement import RECORDED
    from netcfg.testing import make_layer, top_shapes

    engine, plain, wrong, count = _engine("float32", "float64"), Engine(np.float64), [], 0
    for case in _cases():
        try:
            shapes = [b.shape for b in case.arrays()]
            results = []
            for e in (plain, engine):
                layer = make_layer(case.text, shapes, phase=case.phase, engine=e)
                if layer.type not in RECORDED:
                    break
                rng = np.random.default_rng(0)
                bottoms = [b if hasattr(b, "shape") else rng.normal(size=b) for b in case.bottoms]
                tops = top_shapes(layer, shapes)
                ys = as_arrays(layer.forward(*map(e.asarray, bottoms)))
                dys = [e.asarray(rng.normal(size=t)) for t in tops]
                dxs = as_arrays(layer.backward(*dys)) if layer.differentiable else ()
                found = [*ys, *dxs, *(p.diff for p in layer.params)]
                results.append([None if a is None else e.to_numpy(a) for a in found])
            if len(results) < 2:
                continue
            count += 1
            for a, b in zip(*results, strict=True):
                if a is not None and not np.allclose(a, b, rtol=1e-9, atol=1e-9):
                    wrong.append(f"{case.name}: {np.abs(a - b).max():.1e}")
                    break
        except (DataError, TypeError):  # files that its tests make, or a case of another kind
            continue
        except Exception as error:
            wrong.append(f"{case.name}: {type(error).__name__}: {error}"[:160])
    return _judge(wrong, count, "layers in float64 as on NumPy")


def _cases() -> Iterator[Any]:
    """Yield the cases of all layers' tests."""
    import importlib

    for path in sorted((ROOT / "tests/layers").glob("test_*.py")):
        try:
            module = importlib.import_module(f"tests.layers.{path.stem}")
        except Exception:  # a package that only its tests need
            continue
        yield from (c for c in getattr(module, "CASES", []) if hasattr(c, "bottoms"))


def golden() -> str:
    """Compare layers with what Caffe computed for them."""
    from tests import shared, test_golden

    if not test_golden.CASES:
        shared.SHARED = test_golden.__dict__["SHARED"] = ROOT / "shared"
    cases = test_golden.CASES or test_golden.read_cases()
    if not cases:
        return "skipped: shared/golden/layers.npz is not here"
    engine, wrong, count, registry = _engine(), [], 0, _registry()
    for key, case in cases.items():
        if case["name"].split("_")[0] not in registry:
            continue
        count += 1
        try:
            _golden(engine, case, test_golden.agree, test_golden.LABELS.get(case["name"], []))
        except (Exception, AssertionError) as error:
            wrong.append(f"{key}: {type(error).__name__}: {error}"[:120])
    return _judge(wrong, count, "layers as Caffe computes them")


def _golden(engine: Any, case: Any, agree: Any, labels: list[int]) -> None:
    """Compare one layer; see ``tests.test_golden``."""
    import numpy as np

    from netcfg.net import Net
    from netcfg.schema import parse_net
    from netcfg.types import Phase

    net = Net(parse_net(case["prototxt"]).message, Phase[case["phase"]], engine=engine, keep="all")
    layer, host = net.layer("layer"), engine.to_numpy
    for param, values in zip(layer.params, case.get("params", []), strict=True):
        param.assign(layer.engine.asarray(values))
    net.forward({f"b{i}": b for i, b in enumerate(case["bottom"])})
    tops = list(net.graph.nodes[-1].config.top)
    for i, want in enumerate(case.get("tops", [])):
        agree(host(net.blobs[tops[i]]), want, f"top {i}")
    for i, want in enumerate(case.get("params_after", [])):
        agree(host(layer.params[i].value), want, f"parameter {i} after the pass")
    if not case["backward"]:
        return
    diffs = zip(tops, case.get("top_diffs", []), strict=False)
    net.backward({t: d for t, d in diffs if not net.loss_weight.get(t)})
    for i, want in enumerate(case.get("param_diffs", [])):
        if want.size:
            agree(host(layer.params[i].diff), want, f"gradient of parameter {i}")
    for i, want in enumerate(case.get("bottom_diffs", [])):
        if want.size and i not in labels:
            got = net.diffs.get(f"b{i}")
            agree(np.zeros_like(want) if got is None else host(got), want, f"gradient of {i}")


def determinism() -> str:
    """Train twice and compare every bit."""
    return _same(_trained("LeNet", 20), _trained("LeNet", 20), 0.0)


def graphs() -> str:
    """Train with recorded steps and without, and compare."""
    said = []
    for net, steps, storage in (("LeNet", 20, "float32"), ("CaffeNet", 8, "float32"),
                                ("ResNet-18", 8, "bfloat16")):  # fmt: skip
        os.environ["NETCFG_GRAPHS"] = "off"
        eager = _trained(net, steps, storage)
        os.environ["NETCFG_GRAPHS"] = "on"
        said.append(f"{net}: {_same(eager, _trained(net, steps, storage), 1e-6)}")
    return "; ".join(said)


def leak() -> str:
    """Make a thousand steps and see whether memory grows."""
    solver = _solver("LeNet", 64)
    solver.step(20)
    xp = solver.train_net.engine.xp
    xp.cuda.Device().synchronize()
    before = xp.cuda.runtime.memGetInfo()[0]
    start = time.perf_counter()
    solver.step(1000)
    xp.cuda.Device().synchronize()
    seconds = time.perf_counter() - start
    grown = (before - xp.cuda.runtime.memGetInfo()[0]) >> 20
    _must(grown <= 16, f"{grown} MiB more after 1000 steps")
    return f"{grown} MiB more after 1000 steps; {1000 / seconds:.0f} steps/s"


def sanitizer() -> str:
    """Run the kernels under compute-sanitizer."""
    tool = shutil.which("compute-sanitizer") or "/usr/local/cuda/bin/compute-sanitizer"
    if not Path(tool).exists():
        return "skipped: compute-sanitizer is not here"
    command = [tool, "--tool", "memcheck", "--error-exitcode", "9", "--print-limit", "5"]
    inner = [sys.executable, str(ROOT / "tools/gpu_check.py"), "--inner", "parity_small"]
    done = subprocess.run([*command, *inner], capture_output=True, text=True, check=False)
    _must(done.returncode == 0, " ".join((done.stdout + done.stderr)[-600:].split()))
    return done.stdout.strip().splitlines()[-1][:120]


def parity_small() -> str:
    """Run one call of each primitive."""
    import numpy as np

    from tests.engines.cases import CALLS, primitive
    from tests.engines.test_base import arguments, in_order, kept, mapped

    engine = _engine()
    seen: set[str] = set()
    for name in CALLS:
        if primitive(name) not in seen and "no_axes" not in name:
            seen.add(primitive(name))
            args = [mapped(engine.xp.asarray, a) for a in arguments(name, np.float32, in_order)]
            getattr(engine, primitive(name))(*kept(engine, args))
    engine.device.stream.synchronize()
    return f"{len(seen)} primitives"


# What parts share ------------------------------------------------------------------------------


def _engine(storage: str = "float32", dtype: str = "float32") -> Any:
    from netcfg.engines import get_engine

    return get_engine("cuda", dtype, storage)


def _registry() -> Any:
    import netcfg.net  # noqa: F401 - fills the registry
    from netcfg.layer import registry

    return registry


def _solver(net: str, batch: int, storage: str = "float32") -> Any:
    import numpy as np

    from benchmarks import nets
    from netcfg import Solver
    from netcfg.netcfg_pb2 import SolverParameter

    param = SolverParameter(
        net_param=nets.make(net, batch, True), base_lr=0.001, lr_policy="fixed", momentum=0.9,
        weight_decay=5e-4, max_iter=1 << 30, random_seed=1,
    )  # fmt: skip
    solver = Solver(param, engine=_engine(storage), out="/tmp")
    rng = np.random.default_rng(0)
    image = (batch, *nets.NETS[net][1])
    solver.train_net._feed("data", rng.standard_normal(image, dtype=np.float32))
    solver.train_net._feed("label", rng.integers(0, 10, batch).astype(np.float32))
    return solver


def _trained(net: str, steps: int, storage: str = "float32") -> list[Any]:
    """Return losses and weights after some steps."""
    solver = _solver(net, 8, storage)
    losses = []
    for _ in range(steps):
        solver.step(1)
        losses.append(float(solver.losses[-1]))
    weights = [a for arrays in solver.train_net.weights().values() for a in arrays]
    return [losses, *weights]


def _same(a: list[Any], b: list[Any], tolerance: float) -> str:
    import numpy as np

    far = 0.0
    for x, y in zip(a, b, strict=True):
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        _must(bool(np.isfinite(x).all()), "not finite")
        far = max(far, float(np.abs(x - y).max(initial=0) / max(1.0, np.abs(x).max(initial=0))))
    _must(far <= tolerance, f"they differ by {far:.1e}")
    return f"equal within {far:.1e}, loss {a[0][0]:.4f} to {a[0][-1]:.4f}"


def _must(holds: bool, message: str) -> None:
    if not holds:
        raise WrongError(message)


def _judge(wrong: list[str], count: int, what: str) -> str:
    for line in wrong:
        print(line, file=sys.stderr)
    _must(not wrong, f"{len(wrong)} of {count} wrong, the first: {[*wrong, ''][0]}")
    return f"{count} {what}"
