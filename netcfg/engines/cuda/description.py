"""From what cuDNN is to compute to a graph with plans; no card is needed for these."""

import math
from typing import Any, Protocol

from netcfg.types import Shape

TYPES = {"float32": "FLOAT", "float16": "HALF", "bfloat16": "BFLOAT16"}
"""cuDNN's names of the types that its graphs take."""

MOST_WORKSPACE = 1 << 30
"""Bytes of scratch memory that a plan may want."""


class Spec(Protocol):
    """What a graph is to compute: a value that can be compared, so that plans are made once."""

    @property
    def dtype(self) -> str:
        """Return the name of the type of blobs."""

    @property
    def avoided(self) -> tuple[str, ...]:
        """Return the numerical notes of plans that are not wanted, by cuDNN's names."""

    def compose(self, sketch: "Sketch") -> None:
        """Add the tensors and operations to a graph."""


class Sketch:
    """A graph of which tensors and operations are being added.

    Args:
        cudnn: the module of the frontend.
        graph: its graph.
        dtype: name of the type of a tensor for which nothing else is said.
    """

    def __init__(self, cudnn: Any, graph: Any, dtype: str) -> None:
        self.cudnn = cudnn
        self.graph = graph
        self._dtype = dtype

    def type(self, name: str = "") -> Any:
        """Return cuDNN's constant for a type."""
        return getattr(self.cudnn.data_type, TYPES[name or self._dtype])

    def given(self, uid: int, shape: Shape, steps: Shape, dtype: str = "") -> Any:
        """Return a tensor that is read.

        Args:
            uid: its number.
            shape: four axes or more.
            steps: strides in elements.
            dtype: name of its type.
        """
        return self.graph.tensor(
            name=f"t{uid}",
            dim=list(shape),
            stride=list(steps),
            data_type=self.type(dtype),
            uid=uid,
        )

    def number(self, value: float) -> Any:
        """Return a tensor that is one float32, which the graph holds."""
        return self.graph.tensor_scalar(value, self.cudnn.scalar_type.RUNTIME_PARAM)

    def result(self, tensor: Any, uid: int, shape: Shape, steps: Shape, dtype: str = "") -> None:
        """Say that a tensor is written, and where: unsaid strides are those of C order."""
        tensor.set_output(True).set_uid(uid).set_data_type(self.type(dtype))
        tensor.set_dim(list(shape)).set_stride(list(steps))


def strides(shape: Shape) -> Shape:
    """Return the strides of channels-last memory in elements.

    >>> strides((2, 3, 4, 5))
    (60, 1, 15, 3)
    """
    _, channels, *size = shape
    inner = [channels * math.prod(size[i + 1 :]) for i in range(len(size))]
    return (channels * math.prod(size), 1, *inner)


def describe(cudnn: Any, spec: Spec, **device: Any) -> Any:
    """Return a graph with plans listed by heuristics and none built.

    Args:
        cudnn: the module of the frontend.
        spec: what it computes.
        device: ``handle=`` of a card, or ``device_property=, sm_version=`` without one.

    Raises:
        cudnnGraphNotSupportedError: cuDNN has no plan.
    """
    types = cudnn.data_type
    graph = cudnn.pygraph(
        io_data_type=getattr(types, TYPES[spec.dtype]),
        intermediate_data_type=types.FLOAT,
        compute_data_type=types.FLOAT,
        **device,
    )
    spec.compose(Sketch(cudnn, graph, spec.dtype))
    graph.validate()
    graph.build_operation_graph()
    graph.create_execution_plans([cudnn.heur_mode.A, cudnn.heur_mode.FALLBACK])
    if spec.avoided:
        graph.deselect_numeric_notes([getattr(cudnn.numerical_note, n) for n in spec.avoided])
    graph.deselect_workspace_greater_than(MOST_WORKSPACE)
    graph.check_support()
    return graph
