"""What ``gpu_check`` looks at; each function returns a line, or raises what is wrong."""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

RELEVANT = ("cupy", "cuda", "cudnn", "nvmath", "nvidia", "torch", "numpy")


class Anything:
    """Stands for pytest where that is missing: decorators that leave functions as they are."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *args: Any, **more: Any) -> Any:
        """Return the function that is decorated, or this where it has not come yet."""
        return args[0] if len(args) == 1 and callable(args[0]) and not more else self

    def __iter__(self) -> Iterator[Any]:
        return iter(())


if importlib.util.find_spec("pytest") is None:  # tests are read for their cases alone
    sys.modules["pytest"] = Anything()  # type: ignore[assignment]


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
    version = found.graphs.version if found.graphs else "none"
    driver, runtime = found.xp.cuda.runtime.driverGetVersion(), found.xp.cuda.runtime
    free, total = found.memory()
    return (
        f"{properties['name'].decode()}, {found.capability()}, {free >> 30} of {total >> 30} GiB "
        f"free, driver for CUDA {driver}, runtime {runtime.runtimeGetVersion()}, CuPy "
        f"{found.xp.__version__}, cuDNN {version}, cuBLASLt {'yes' if found.products else 'no'}"
        f"{missing}"
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

    from netcfg.carried import runs
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
                form = runs(layer)
                ys = as_arrays(form.forward(*map(e.asarray, bottoms)))
                dys = [e.asarray(rng.normal(size=t)) for t in tops]
                dxs = as_arrays(form.backward(*dys)) if layer.differentiable else ()
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


def gradients_mixed() -> str:
    """Compare layers and their gradients in 16-bit floats with float64 on NumPy."""
    import numpy as np

    from netcfg.engines import Engine
    from netcfg.placement import RECORDED
    from netcfg.testing import make_layer, top_shapes

    plain, wrong, count = Engine(np.float64), [], 0
    for storage in ("float16", "bfloat16"):
        engine = _engine(storage)
        for case in _cases():
            try:
                shapes = [b.shape for b in case.arrays()]
                layers = [
                    make_layer(case.text, shapes, phase=case.phase, engine=e)
                    for e in (plain, engine)
                ]
                rng = np.random.default_rng(0)
                bottoms = [b if hasattr(b, "shape") else rng.normal(size=b) for b in case.bottoms]
            except Exception:  # files that its tests make, or a case of another kind
                continue
            if layers[0].type not in RECORDED:
                continue
            tops, _ = (top_shapes(layer, shapes) for layer in layers)
            dys = [rng.normal(size=t) for t in tops]
            count += 1
            try:
                pairs = zip(*(_both(layer, bottoms, dys) for layer in layers), strict=True)
                far = max((_far(a, b) for a, b in pairs if a is not None), default=0.0)
                if not far <= 0.06:
                    wrong.append(f"{storage} {case.name}: {far:.1e}")
            except Exception as error:
                wrong.append(f"{storage} {case.name}: {type(error).__name__}: {error}"[:160])
    return _judge(wrong, count, "layers in 16-bit floats near float64")


def _both(layer: Any, bottoms: list[Any], dys: list[Any]) -> list[Any]:
    """Return tops, gradients of the bottoms and of the parameters, in float64 on the CPU."""
    import numpy as np

    from netcfg.carried import runs
    from netcfg.layer import as_arrays

    engine, unit = layer.engine, runs(layer)
    store = getattr(engine, "store", engine.dtype)
    given = [engine.asarray(b) for b in bottoms]
    for i, b in enumerate(given):
        if type(layer).takes_gradient(i, len(given)) and b.ndim:
            given[i] = b.astype(store)
    ys = as_arrays(unit.forward(*given))
    slopes = [engine.asarray(dy).astype(y.dtype) for dy, y in zip(dys, ys, strict=True)]
    dxs = as_arrays(unit.backward(*slopes)) if layer.differentiable else ()
    found = [*ys, *dxs, *(p.diff for p in layer.params)]
    return [None if a is None else engine.to_numpy(a).astype(np.float64) for a in found]


def _far(a: Any, b: Any) -> float:
    """Return how far arrays are from each other, beside what is largest in the first."""
    import numpy as np

    return float(np.abs(a - b).max(initial=0) / max(1.0, np.abs(a).max(initial=0)))


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


def follow() -> str:
    """Train on the card and on the CPU, 200 steps, and compare the losses."""
    said = []
    for net in ("LeNet", "CIFAR-10 quick"):
        there = _trained(net, 200)[0]
        here = _trained(net, 200, cpu=True)[0]
        far = max(abs(a - b) / max(1.0, abs(a)) for a, b in zip(here, there, strict=True))
        _must(far <= 1e-3, f"{net}: losses differ by {far:.1e}")
        said.append(f"{net}: within {far:.1e}, loss {here[0]:.4f} to {here[-1]:.4f}")
    return "; ".join(said)


def determinism() -> str:
    """Train twice and compare every bit."""
    said = []
    for net, steps, storage in (("LeNet", 20, "tf32"), ("CaffeNet", 5, "bfloat16")):
        one, other = (_trained(net, steps, storage) for _ in range(2))
        said.append(f"{net}: {_same(one, other, 0.0)}")
    return "; ".join(said)


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


def graphs_test() -> str:
    """Run passes at TEST with recorded passes and without, and compare."""
    said = []
    for net, storage in (("LeNet", "float32"), ("CaffeNet", "float32"), ("ResNet-18", "bfloat16")):
        os.environ["NETCFG_GRAPHS"] = "off"
        eager = _answers(net, storage)
        os.environ["NETCFG_GRAPHS"] = "on"
        said.append(f"{net}: {_same(eager, _answers(net, storage), 0.0)}")
    return "; ".join(said)


def _answers(name: str, storage: str) -> list[Any]:
    """Return outputs of some passes, of two batches in turn."""
    import numpy as np

    from benchmarks import nets
    from netcfg import Net, Phase

    engine = _engine(storage)
    net = Net(nets.make(name, 8, False), Phase.TEST, engine=engine, seed=1)
    found: list[Any] = []
    for k in range(10):
        rng = np.random.default_rng(k)
        shape = (8 if k % 4 < 3 else 3, *nets.NETS[name][1])
        outputs = net.forward({net.inputs[0]: rng.standard_normal(shape, dtype=np.float32)})
        found += outputs.values()  # they are looked at when all passes are over
    return [[0.0], *(engine.to_numpy(y) for y in found)]


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

    engine: Any = get_engine("cuda", dtype, storage)
    if engine.device.graphs is not None:
        engine.device.graphs.deterministic = True
    return engine


def _registry() -> Any:
    import netcfg.net  # noqa: F401 - fills the registry
    from netcfg.layer import registry

    return registry


def _solver(net: str, batch: int, storage: str = "float32", cpu: bool = False) -> Any:
    import numpy as np

    from benchmarks import nets
    from netcfg import Solver
    from netcfg.netcfg_pb2 import SolverParameter

    param = SolverParameter(
        net_param=nets.make(net, batch, True), base_lr=0.001, lr_policy="fixed", momentum=0.9,
        weight_decay=5e-4, max_iter=1 << 30, random_seed=1,
    )  # fmt: skip
    from netcfg.engines import Engine

    engine = Engine() if cpu else _engine(storage)
    solver = Solver(param, engine=engine, out=tempfile.gettempdir())
    rng = np.random.default_rng(0)
    image = (batch, *nets.NETS[net][1])
    solver.train_net._feed("data", rng.standard_normal(image, dtype=np.float32))
    solver.train_net._feed("label", rng.integers(0, 10, batch).astype(np.float32))
    return solver


def _trained(net: str, steps: int, storage: str = "float32", cpu: bool = False) -> list[Any]:
    """Return losses and weights after some steps."""
    solver = _solver(net, 8, storage, cpu)
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
