"""What a net consists of: for each layer output shapes, parameters, work and memory."""

import math
from dataclasses import dataclass

from netcfg.net import Net
from netcfg.table import grouped, render, size
from netcfg.types import Shapes


@dataclass(frozen=True)
class LayerSummary:
    """One layer of a net.

    Attributes:
        name: of the layer.
        type: as in the prototxt.
        tops: shapes of the outputs.
        parameters: numbers it learns or keeps, those it shares with an earlier layer left out.
        multiply_adds: products with weights in one forward pass.
        memory: bytes of the outputs.
    """

    name: str
    type: str
    tops: Shapes
    parameters: int
    multiply_adds: int
    memory: int


@dataclass(frozen=True)
class Summary:
    """A net, layer by layer."""

    layers: tuple[LayerSummary, ...]

    @property
    def parameters(self) -> int:
        """Numbers that the net learns or keeps, shared ones counted once."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """Products with weights in one forward pass of the batch."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def memory(self) -> int:
        """Bytes of all outputs; a net at TEST needs fewer at a time."""
        return sum(layer.memory for layer in self.layers)

    def __str__(self) -> str:
        """Render a table with a line of totals."""
        rows = [
            [
                layer.name,
                layer.type,
                " ".join(shape_text(top) for top in layer.tops) or "-",
                grouped(layer.parameters),
                grouped(layer.multiply_adds),
                size(layer.memory),
            ]
            for layer in self.layers
        ]
        totals = [grouped(self.parameters), grouped(self.multiply_adds), size(self.memory)]
        header = ["layer", "type", "output", "parameters", "multiply-adds", "memory"]
        return render(header, [*rows, [], ["total", "", "", *totals]], "<<<>>>")


def summarize(net: Net) -> Summary:
    """Measure every layer of a net at the shapes it has now."""
    seen: set[int] = set()
    shapes = {
        blob: shape
        for node, tops in zip(net.graph.nodes, net.top_shapes, strict=True)
        for blob, shape in zip(node.tops, tops, strict=True)
    }
    layers = []
    for layer, node, tops in zip(net.layers, net.graph.nodes, net.top_shapes, strict=True):
        own = {id(getattr(p, "owner", p)): math.prod(p.shape) for p in layer.params}
        bottoms = tuple(shapes[blob] for blob in node.bottoms)
        layers.append(
            LayerSummary(
                layer.name,
                layer.type,
                tops,
                sum(count for key, count in own.items() if key not in seen),
                layer.multiply_adds(bottoms, tops),
                sum(math.prod(top) for top in tops) * net.engine.dtype.itemsize,
            )
        )
        seen.update(own)
    return Summary(tuple(layers))


def shape_text(shape: tuple[int, ...]) -> str:
    """Write a shape in one word.

    >>> shape_text((64, 20, 24, 24)), shape_text(())
    ('64×20×24×24', '1')
    """
    return "×".join(str(n) for n in shape) or "1"
