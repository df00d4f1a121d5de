"""Builds plans of all kinds of graphs without a card, and prints what came of each as JSON.

Run in a process of its own: where cuDNN misses something, it ends the process.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from netcfg.engines import Conv, Window
from netcfg.engines.cuda.attention_graph import AttentionSpec
from netcfg.engines.cuda.conv_graph import Kind, Spec
from netcfg.engines.cuda.description import describe
from netcfg.engines.cuda.norm_graph import NormSpec


def window(n: int, kernel: int, stride: int = 1, pad: int = 0, dilation: int = 1) -> Window:
    return Window((kernel,) * n, (stride,) * n, (pad,) * n, (dilation,) * n)


CONVS: dict[str, tuple[tuple[int, ...], int, Conv]] = {
    "lenet": ((64, 1, 28, 28), 20, Conv(window(2, 5))),
    "groups": ((32, 96, 27, 27), 256, Conv(window(2, 5, 1, 2), 2)),
    "depthwise": ((32, 64, 28, 28), 64, Conv(window(2, 3, 1, 1), 64)),
    "dilated": ((8, 64, 28, 28), 64, Conv(window(2, 3, 1, 2, 2))),
    "strided": ((32, 3, 224, 224), 64, Conv(window(2, 7, 2, 3))),
    "volume": ((2, 16, 8, 28, 28), 32, Conv(window(3, 3, 1, 1))),
}
KINDS: tuple[Kind, ...] = ("forward", "grad_x", "grad_w")
TYPES = ("float32", "float16", "bfloat16")


def convolutions() -> dict[str, Any]:
    found = {}
    for name, (x, filters, conv) in CONVS.items():
        w = (filters, x[1] // conv.group, *conv.window.kernel)
        y = (x[0], filters, *conv.window.out(x[2:]))
        for dtype in TYPES:
            for kind in KINDS:
                found[f"{name} {dtype} {kind}"] = Spec(kind, x, w, y, conv, dtype)
            every = Spec("forward", x, w, y, conv, dtype, bias=True, add=True, relu=True)
            found[f"{name} {dtype} fused"] = every
        exact = Spec("grad_w", x, w, y, conv, "float32", tf32=False)
        found[f"{name} exact grad_w"] = exact
    return found


IMAGES = {"image": (64, 64, 56, 56), "few": (2, 2048, 7, 7), "volume": (4, 32, 4, 14, 14)}
ROWS = {"rows": (512, 768), "pixels": (32 * 56 * 56, 96), "odd": (30, 100), "one": (1, 256)}


def norms() -> dict[str, Any]:
    found = {}
    for dtype in TYPES:
        for name, x in IMAGES.items():
            for relu in (False, True):
                for grad in (False, True):
                    label = f"batch {name} {dtype}{' relu' * relu}{' grad' * grad}"
                    found[label] = NormSpec("batch", x, dtype, 1e-5, grad, relu)
        for name, rows in ROWS.items():
            for grad in (False, True):
                for kind in ("layer", "rms"):
                    label = f"{kind} {name} {dtype}{' grad' * grad}"
                    found[label] = NormSpec(kind, (*rows, 1, 1), dtype, 1e-5, grad)
    return found


ATTENTION = {
    # items, heads, queries, keys, features
    "vit": (32, 12, 197, 197, 64),
    "memory": (8, 8, 10, 50, 32),
    "small": (2, 2, 3, 3, 8),
    "wide": (2, 4, 128, 128, 128),
}


def attentions() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, (N, h, L, S, d) in ATTENTION.items():
        q, k = (N, h, L, d), (N, h, S, d)
        apart = tuple((places * h * d, d, h * d, 1) for places in (L, S, S))
        cut = tuple((3 * places * h * d, d, 3 * h * d, 1) for places in (L, S, S))
        for dtype in TYPES[1:]:
            for causal in (False, True):
                for grad in (False, True):
                    label = f"{name} {dtype}{' causal' * causal}{' grad' * grad}"
                    steps = cut if L == S else apart
                    found[label] = AttentionSpec(q, k, steps, dtype, d**-0.5, causal, grad)
            free = replace(found[f"{name} {dtype} grad"], deterministic=False)
            found[f"{name} {dtype} grad free"] = free
    return found


def build(cudnn: Any, properties: Any, spec: Any) -> dict[str, Any]:
    try:
        graph = describe(cudnn, spec, device_property=properties, sm_version=90)
        graph.build_plans()
    except (cudnn.cudnnGraphNotSupportedError, RuntimeError) as error:
        return {"error": str(error)[:200]}
    return {
        "plans": graph.get_execution_plan_count(),
        "workspace": graph.get_workspace_size(),
        "arrays": sorted(graph._variant_pack_uids()),
    }


def main() -> None:
    import cudnn

    text = Path(__file__).with_name("device_properties.json").read_text()
    properties = cudnn.create_device_properties(text)
    specs = {**convolutions(), **norms(), **attentions()}
    print(json.dumps({name: build(cudnn, properties, s) for name, s in specs.items()}))


if __name__ == "__main__":
    sys.exit(main())
