"""Normalizations as cuDNN graphs: of channels over the batch, and of rows by themselves.

Images are (N, C, *S) with two or three spatial axes, channels-last. Rows are images of one pixel,
(M, K, 1, 1). Statistics and parameters are float32 whatever the images are.
"""

from dataclasses import dataclass
from typing import Any, Literal

from netcfg.engines.cuda.description import Sketch, strides
from netcfg.types import Shape

Kind = Literal["batch", "layer", "rms"]

X, Y, W, B, MEAN, INVERSE, DY, DX, DW, DB = range(1, 11)
"""Numbers of the tensors in a graph; ``INVERSE`` is 1 / √(var + eps)."""

OLD_MEAN, OLD_VAR, NEW_MEAN, NEW_VAR = range(11, 15)
"""Running statistics, without which the frontend knows no batch normalization. The share of this
batch is all, so that the old ones may be anything finite."""

IMAGES = (X, Y, DY, DX)


@dataclass(frozen=True)
class NormSpec:
    """A normalization to make a graph of.

    Attributes:
        kind: over the batch (batch), over the row with (layer) or without (rms) its mean.
        x: shape of the input.
        dtype: name of the type of images.
        eps: added to the variance.
        grad: whether it is the gradients.
        relu: whether negative values become 0, by the batch only.
        deterministic: whether the result has the same bits every time.
    """

    kind: Kind
    x: Shape
    dtype: str
    eps: float
    grad: bool = False
    relu: bool = False
    deterministic: bool = True

    @property
    def inputs(self) -> tuple[int, ...]:
        """Return the numbers of the arrays that are read."""
        mean = () if self.kind == "rms" else (MEAN,)
        if self.grad:
            return (DY, X, W, *mean, INVERSE, *(B,) * self.relu)
        running = (OLD_MEAN, OLD_VAR) if self.kind == "batch" else ()
        return (X, W) if self.kind == "rms" else (X, W, B, *running)

    @property
    def outputs(self) -> tuple[int, ...]:
        """Return the numbers of the arrays that are written."""
        if self.kind == "rms":
            return (DX, DW) if self.grad else (Y, INVERSE)
        running = (NEW_MEAN, NEW_VAR) if self.kind == "batch" else ()
        return (DX, DW, DB) if self.grad else (Y, MEAN, INVERSE, *running)

    @property
    def avoided(self) -> tuple[str, ...]:
        """Return the numerical notes of plans that are not wanted."""
        return ("NONDETERMINISTIC",) * self.deterministic

    def shape(self, uid: int) -> Shape:
        """Return the shape of a tensor."""
        ones = (1,) * (len(self.x) - 2)
        if uid in IMAGES:
            return self.x
        if uid in (MEAN, INVERSE) and self.kind != "batch":
            return (self.x[0], 1, *ones)
        return (1, self.x[1], *ones)

    def compose(self, sketch: Sketch) -> None:
        """Add the tensors and operations to a graph."""
        given = {uid: sketch.given(uid, *self._lies(uid)) for uid in self.inputs}
        made = self._backward(sketch, given) if self.grad else self._forward(sketch, given)
        for uid, tensor in zip(self.outputs, made, strict=True):
            sketch.result(tensor, uid, *self._lies(uid))

    def _lies(self, uid: int) -> tuple[Shape, Shape, str]:
        """Return shape, strides and type of a tensor."""
        shape = self.shape(uid)
        return shape, strides(shape), self.dtype if uid in IMAGES else "float32"

    def _forward(self, sketch: Sketch, given: dict[int, Any]) -> list[Any]:
        graph = sketch.graph
        common = {
            "input": given[X],
            "scale": given[W],
            "bias": given.get(B),
            "epsilon": sketch.number(self.eps),
        }
        if self.kind == "batch":
            running = {"in_running_mean": given[OLD_MEAN], "in_running_var": given[OLD_VAR]}
            running["momentum"] = sketch.number(1.0)
            y, *others = graph.batchnorm(name="norm", **common, **running)
            return [graph.relu(name="relu", input=y) if self.relu else y, *others]
        phase = sketch.cudnn.norm_forward_phase.TRAINING
        operation = graph.layernorm if self.kind == "layer" else graph.rmsnorm
        return list(operation(name="norm", norm_forward_phase=phase, **common))

    def _backward(self, sketch: Sketch, given: dict[int, Any]) -> list[Any]:
        graph = sketch.graph
        common = {"input": given[X], "scale": given[W], "inv_variance": given[INVERSE]}
        if self.kind == "rms":
            dx, dw, _ = graph.rmsnorm_backward(
                name="grad", grad=given[DY], has_dbias=False, **common
            )
            return [dx, dw]
        common["mean"], dy = given[MEAN], given[DY]
        if self.relu:
            y = graph.batchnorm_inference(name="again", bias=given[B], **common)
            dy = graph.relu_backward(name="relu", loss=dy, input=y)
            dy.set_data_type(sketch.type())
        layer = self.kind == "layer"
        operation = graph.layernorm_backward if layer else graph.batchnorm_backward
        return list(operation(name="grad", grad=dy, **common))
