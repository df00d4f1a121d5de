"""Convolutions as cuDNN graphs: the description of one, and its plans; no card is needed for these.

Shapes are N, C, *S with two or three spatial axes, memory is channels-last: weights (O, *K, C).
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

from netcfg.engines.geometry import Conv
from netcfg.types import Shape

Kind = Literal["forward", "grad_x", "grad_w"]

X, W, Y, BIAS, ADD = 1, 2, 3, 4, 5
"""Numbers of the tensors in a graph."""

MOST_WORKSPACE = 1 << 30
"""Bytes of scratch memory that a plan may want."""


@dataclass(frozen=True)
class Spec:
    """A convolution to make a graph of.

    Attributes:
        kind: forward, or which gradient; ``X``, ``W`` and ``Y`` are dx, dw and dy then.
        x: shape of the input.
        w: shape of the weights.
        y: shape of the output.
        conv: geometry, with as many axes as the shapes have.
        dtype: name of the type of all arrays.
        bias: whether a bias (O) is added.
        add: whether an array like y is added.
        relu: whether negative values become 0.
        tf32: whether products of float32 may be rounded to TF32.
        deterministic: whether the result has the same bits every time.
    """

    kind: Kind
    x: Shape
    w: Shape
    y: Shape
    conv: Conv
    dtype: str
    bias: bool = False
    add: bool = False
    relu: bool = False
    tf32: bool = True
    deterministic: bool = True

    @property
    def inputs(self) -> tuple[int, ...]:
        """Return the numbers of the tensors that are read, in the order of arguments."""
        given = {"forward": (X, W), "grad_x": (Y, W), "grad_w": (Y, X)}[self.kind]
        return given + (BIAS,) * self.bias + (ADD,) * self.add

    @property
    def output(self) -> int:
        """Return the number of the tensor that is written."""
        return {"forward": Y, "grad_x": X, "grad_w": W}[self.kind]


def strides(shape: Shape) -> list[int]:
    """Return the strides of channels-last memory in elements.

    >>> strides((2, 3, 4, 5))
    [60, 1, 15, 3]
    """
    _, channels, *size = shape
    inner = [channels * math.prod(size[i + 1 :]) for i in range(len(size))]
    return [channels * math.prod(size), 1, *inner]


def describe(cudnn: Any, spec: Spec, **device: Any) -> Any:
    """Return the graph of a convolution, with plans listed by heuristics and none built.

    Args:
        cudnn: the module of the frontend.
        spec: the convolution.
        device: ``handle=`` of a card, or ``device_property=, sm_version=`` without one.

    Raises:
        cudnnGraphNotSupportedError: cuDNN has no plan.
    """
    types = cudnn.data_type
    dtype = {"float32": types.FLOAT, "float16": types.HALF, "bfloat16": types.BFLOAT16}[spec.dtype]
    graph = cudnn.pygraph(
        io_data_type=dtype,
        intermediate_data_type=types.FLOAT,
        compute_data_type=types.FLOAT,
        **device,
    )

    def tensor(uid: int, shape: Shape) -> Any:
        return graph.tensor(
            name=f"t{uid}", dim=list(shape), stride=strides(shape), data_type=dtype, uid=uid
        )

    shapes = {X: spec.x, W: spec.w, Y: spec.y, ADD: spec.y}
    shapes[BIAS] = (1, spec.y[1], *[1] * (len(spec.y) - 2))
    given = {uid: tensor(uid, shapes[uid]) for uid in spec.inputs}
    result = _operate(graph, spec, given)
    out = shapes[spec.output]
    result.set_output(True).set_uid(spec.output).set_data_type(dtype)
    result.set_dim(list(out)).set_stride(strides(out))
    graph.validate()
    graph.build_operation_graph()
    graph.create_execution_plans([cudnn.heur_mode.A, cudnn.heur_mode.FALLBACK])
    note = cudnn.numerical_note
    unwanted = [note.NONDETERMINISTIC] if spec.deterministic else []
    if spec.dtype == "float32" and not spec.tf32:
        unwanted.append(note.TENSOR_CORE)
    if unwanted:
        graph.deselect_numeric_notes(unwanted)
    graph.deselect_workspace_greater_than(MOST_WORKSPACE)
    graph.check_support()
    return graph


def _operate(graph: Any, spec: Spec, given: dict[int, Any]) -> Any:
    """Add the operations to a graph; return the result."""
    window = spec.conv.window
    geometry = {
        "padding": list(window.pad),
        "stride": list(window.stride),
        "dilation": list(window.dilation),
    }
    if spec.kind == "grad_x":
        return graph.conv_dgrad(loss=given[Y], filter=given[W], **geometry)
    if spec.kind == "grad_w":
        return graph.conv_wgrad(image=given[X], loss=given[Y], **geometry)
    y = graph.conv_fprop(image=given[X], weight=given[W], **geometry)
    if spec.bias:
        y = graph.bias(name="bias", input=y, bias=given[BIAS])
    if spec.add:
        y = graph.add(name="add", a=y, b=given[ADD])
    return graph.relu(name="relu", input=y) if spec.relu else y
