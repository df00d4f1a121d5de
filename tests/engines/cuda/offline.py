"""Builds plans of all kinds of convolutions without a card, and prints what came of each as JSON.

Run in a process of its own: where cuDNN misses something, it ends the process.
"""

import json
import sys
from pathlib import Path
from typing import Any

from netcfg.engines import Conv, Window
from netcfg.engines.cuda.conv_graph import Kind, Spec, describe


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


def specs() -> dict[str, Spec]:
    found = {}
    for name, (x, filters, conv) in CONVS.items():
        w = (filters, x[1] // conv.group, *conv.window.kernel)
        y = (x[0], filters, *conv.window.out(x[2:]))
        for dtype in ("float32", "float16", "bfloat16"):
            for kind in KINDS:
                found[f"{name} {dtype} {kind}"] = Spec(kind, x, w, y, conv, dtype)
            every = Spec("forward", x, w, y, conv, dtype, bias=True, add=True, relu=True)
            found[f"{name} {dtype} fused"] = every
        exact = Spec("grad_w", x, w, y, conv, "float32", tf32=False)
        found[f"{name} exact grad_w"] = exact
    return found


def build(cudnn: Any, properties: Any, spec: Spec) -> dict[str, Any]:
    try:
        graph = describe(cudnn, spec, device_property=properties, sm_version=90)
        graph.build_plans()
    except (cudnn.cudnnGraphNotSupportedError, RuntimeError) as error:
        return {"error": str(error)[:200]}
    return {"plans": graph.get_execution_plan_count(), "workspace": graph.get_workspace_size()}


def main() -> None:
    import cudnn

    text = Path(__file__).with_name("device_properties.json").read_text()
    properties = cudnn.create_device_properties(text)
    print(json.dumps({name: build(cudnn, properties, s) for name, s in specs().items()}))


if __name__ == "__main__":
    sys.exit(main())
