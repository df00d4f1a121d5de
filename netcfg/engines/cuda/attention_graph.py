"""Attention as cuDNN graphs: scores, softmax and sums of values in one operation; its gradients.

Queries are (N, h, L, d), keys and values (N, h, S, d), in any memory whose last stride is 1. What
is written lies place by place, as (N, L, h, d), so that heads are merged without moving anything.
"""

from dataclasses import dataclass
from typing import Any

from netcfg.engines.cuda.description import Sketch
from netcfg.types import Shape

Q, K, V, Y, STATS, DY, DQ, DK, DV = range(1, 10)
"""Numbers of the tensors in a graph; ``STATS`` are the logarithms of the softmax's sums."""


@dataclass(frozen=True)
class AttentionSpec:
    """Attention to make a graph of.

    Attributes:
        q: shape of the queries.
        k: shape of keys and of values.
        steps: strides of queries, keys and values in elements.
        dtype: name of the type of all arrays but ``STATS``, which are float32.
        scale: of the scores.
        causal: whether query i sees the keys up to i + S - L only.
        grad: whether it is the gradients.
        deterministic: whether the result has the same bits every time.
    """

    q: Shape
    k: Shape
    steps: tuple[Shape, Shape, Shape]
    dtype: str
    scale: float
    causal: bool
    grad: bool = False
    deterministic: bool = True

    @property
    def inputs(self) -> tuple[int, ...]:
        """Return the numbers of the arrays that are read."""
        return (Q, K, V, Y, STATS, DY) if self.grad else (Q, K, V)

    @property
    def outputs(self) -> tuple[int, ...]:
        """Return the numbers of the arrays that are written."""
        return (DQ, DK, DV) if self.grad else (Y, STATS)

    @property
    def avoided(self) -> tuple[str, ...]:
        """Return nothing: the operation itself is asked to be deterministic."""
        return ()

    def lies(self, uid: int) -> tuple[Shape, Shape, str]:
        """Return shape, strides in elements and type of a tensor."""
        if uid in (Q, K, V):
            return self.q if uid == Q else self.k, self.steps[uid - Q], self.dtype
        if uid == STATS:
            N, h, L, _ = self.q
            return (N, h, L, 1), (h * L, L, 1, 1), "float32"
        shape = self.k if uid in (DK, DV) else self.q
        _, h, places, d = shape
        return shape, (places * h * d, d, h * d, 1), self.dtype

    def compose(self, sketch: Sketch) -> None:
        """Add the tensors and operations to a graph."""
        given = {uid: sketch.given(uid, *self.lies(uid)) for uid in self.inputs}
        made = self._backward(sketch, given) if self.grad else self._forward(sketch, given)
        for uid, tensor in zip(self.outputs, made, strict=True):
            sketch.result(tensor, uid, *self.lies(uid))

    def _forward(self, sketch: Sketch, given: dict[int, Any]) -> Any:
        arrays = {"q": given[Q], "k": given[K], "v": given[V]}
        return sketch.graph.sdpa(
            name="attention", generate_stats=True, **arrays, **self._options(sketch)
        )

    def _backward(self, sketch: Sketch, given: dict[int, Any]) -> Any:
        arrays = {"q": given[Q], "k": given[K], "v": given[V]}
        return sketch.graph.sdpa_backward(
            name="attention",
            **arrays,
            o=given[Y],
            dO=given[DY],
            stats=given[STATS],
            use_deterministic_algorithm=self.deterministic,
            **self._options(sketch),
        )

    def _options(self, sketch: Sketch) -> dict[str, Any]:
        """Return scale and mask."""
        if not self.causal:
            return {"attn_scale": self.scale}
        alignment = sketch.cudnn.diagonal_alignment
        square = self.q[2] == self.k[2]  # both say the same, and the first is known to more plans
        return {
            "attn_scale": self.scale,
            "diagonal_alignment": alignment.TOP_LEFT if square else alignment.BOTTOM_RIGHT,
            "diagonal_band_right_bound": 0,
        }
