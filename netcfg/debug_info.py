"""What ``debug_info`` shows: mean absolute values of blobs, parameters and their gradients.

The lines are Caffe's, so that its readers of logs know them. Two things differ: there are no Split
layers to show, and of a blob with several readers the gradient is the sum over those that ran so
far.
"""

import math
from collections.abc import Callable, Iterator, Sequence

from netcfg.layer import Layer, Param
from netcfg.net import Hook, Net
from netcfg.types import Array


def watch(net: Net, write: Callable[[str], None]) -> Callable[[], None]:
    """Write lines about each layer after each of its passes.

    Returns:
        A function that ends it.
    """

    def forward(i: int) -> None:
        for line in forward_lines(net, i):
            write(line)

    def backward(i: int) -> None:
        for line in backward_lines(net, i):
            write(line)
        if i == net.plan.backward[-1]:
            write(norms_line(net.params))

    def stop() -> None:
        for hooks, hook in pairs:
            if hook in hooks:
                hooks.remove(hook)

    pairs: list[tuple[list[Hook], Hook]] = [
        (net.after_forward, forward),
        (net.after_backward, backward),
    ]
    for hooks, hook in pairs:
        hooks.append(hook)
    return stop


def forward_lines(net: Net, i: int) -> Iterator[str]:
    """Yield a line for each top and parameter of a layer that has just run."""
    layer, head = net.layers[i], f"    [Forward] Layer {net.layers[i].name}"
    for top, value in zip(net.graph.nodes[i].tops, net.tops(i), strict=True):
        yield f"{head}, top blob {top.name} data: {mean_abs(value):g}"
    for k, param in enumerate(layer.params):
        yield f"{head}, param blob {_title(layer, k)} data: {mean_abs(param.value):g}"


def backward_lines(net: Net, i: int) -> Iterator[str]:
    """Yield a line for each gradient that a layer has just computed."""
    layer, head = net.layers[i], f"    [Backward] Layer {net.layers[i].name}"
    for bottom, diff in zip(net.graph.nodes[i].bottoms, net.bottom_diffs(i), strict=True):
        if diff is not None:
            yield f"{head}, bottom blob {bottom.name} diff: {mean_abs(diff):g}"
    for k, param in enumerate(layer.params):
        if param.lr_mult:
            yield f"{head}, param blob {k} diff: {mean_abs(param.diff):g}"


def norms_line(params: Sequence[Param]) -> str:
    """Return the line about all parameters, after a backward pass: L1 = Σ|x|, L2 = √Σx²."""
    data, diffs = [p.value for p in params], [p.diff for p in params]
    l1 = [sum(float(abs(x).sum()) for x in arrays) for arrays in (data, diffs)]
    l2 = [math.sqrt(sum(float((x * x).sum()) for x in arrays)) for arrays in (data, diffs)]
    return (
        f"    [Backward] All net params (data, diff): L1 norm = ({l1[0]:g}, {l1[1]:g}); "
        f"L2 norm = ({l2[0]:g}, {l2[1]:g})"
    )


def update_lines(net: Net, before: Sequence[float]) -> Iterator[str]:
    """Yield a line for each parameter after an update.

    Args:
        net: whose parameters hold in ``diff`` by how much the update has lowered them.
        before: mean absolute values of ``net.params`` before it.
    """
    means = {id(param): mean for param, mean in zip(net.params, before, strict=True)}
    for layer in net.layers:
        for k, param in enumerate(layer.params):
            mean = means.pop(id(param.owner), None)
            if mean is not None:
                yield (
                    f"    [Update] Layer {layer.name}, param {_title(layer, k)} data: {mean:g}; "
                    f"diff: {mean_abs(param.diff):g}"
                )


def mean_abs(array: Array) -> float:
    """Return the mean of the absolute values, 0 of none."""
    return float(abs(array).mean()) if array.size else 0.0


def _title(layer: Layer, k: int) -> str:
    """Return what Caffe calls a parameter: its name if it has one, else its number."""
    return layer.params[k].name or str(k)
