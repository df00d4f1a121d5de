"""Convolutions as cuDNN graphs.

Shapes are N, C, *S with two or three spatial axes, memory is channels-last: weights (O, *K, C).
"""

from dataclasses import dataclass
from typing import Any, Literal

from netcfg.engines.cuda.description import Sketch, strides
from netcfg.engines.geometry import Conv
from netcfg.types import Shape

Kind = Literal["forward", "grad_x", "grad_w"]

X, W, Y, BIAS, ADD = 1, 2, 3, 4, 5
"""Numbers of the tensors in a graph."""


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

    @property
    def avoided(self) -> tuple[str, ...]:
        """Return the numerical notes of plans that are not wanted.

        Of float32 those too that narrow their inputs, to more than TF32 does.
        """
        long = self.dtype == "float32"
        return (
            *("NONDETERMINISTIC",) * self.deterministic,
            *("DOWN_CONVERT_INPUTS",) * long,
            *("TENSOR_CORE",) * (long and not self.tf32),
        )

    def compose(self, sketch: Sketch) -> None:
        """Add the tensors and operations to a graph."""
        shapes = {X: self.x, W: self.w, Y: self.y, ADD: self.y}
        shapes[BIAS] = (1, self.y[1], *[1] * (len(self.y) - 2))
        given = {uid: sketch.given(uid, shapes[uid], strides(shapes[uid])) for uid in self.inputs}
        out = shapes[self.output]
        sketch.result(self._operate(sketch.graph, given), self.output, out, strides(out))

    def _operate(self, graph: Any, given: dict[int, Any]) -> Any:
        """Add the operations; return the result."""
        window = self.conv.window
        geometry = {
            "padding": list(window.pad),
            "stride": list(window.stride),
            "dilation": list(window.dilation),
        }
        if self.kind == "grad_x":
            return graph.conv_dgrad(loss=given[Y], filter=given[W], **geometry)
        if self.kind == "grad_w":
            return graph.conv_wgrad(image=given[X], loss=given[Y], **geometry)
        y = graph.conv_fprop(image=given[X], weight=given[W], **geometry)
        if self.bias:
            y = graph.bias(name="bias", input=y, bias=given[BIAS])
        if self.add:
            y = graph.add(name="add", a=y, b=given[ADD])
        return graph.relu(name="relu", input=y) if self.relu else y
