"""From descriptions to graphs; what cuDNN makes of them: test_conv_graph.py and its neighbours."""

from dataclasses import dataclass

from netcfg.engines.cuda.description import Sketch, strides
from tests.engines.cuda.frontend import drawn


@dataclass
class Doubling:
    dtype: str = "bfloat16"
    avoided: tuple[str, ...] = ()

    def compose(self, sketch: Sketch) -> None:
        x = sketch.given(3, (2, 3), (3, 1))
        y = sketch.graph.add(a=x, b=sketch.number(0.5))
        sketch.result(y, 4, (2, 3), (3, 1), "float32")


def test_strides_are_those_of_channels_last_memory() -> None:
    assert strides((2, 3, 4, 5)) == (60, 1, 15, 3)
    assert strides((2, 3, 4, 5, 6)) == (360, 1, 90, 18, 3)
    assert strides((7, 8, 1, 1)) == (8, 1, 8, 8)


def test_a_graph_is_checked_and_has_plans_but_none_built() -> None:
    graph = drawn(Doubling())
    assert graph.options == {
        "io_data_type": "BFLOAT16",
        "intermediate_data_type": "FLOAT",
        "compute_data_type": "FLOAT",
        "handle": "card",
    }
    assert graph.steps == [
        *("validate", "build_operation_graph", "create_execution_plans"),
        *("deselect_workspace_greater_than", "check_support"),
    ]
    assert graph.deselected == []


def test_tensors_say_where_and_what_they_are() -> None:
    graph = drawn(Doubling())
    assert graph.tensors[3] == {
        **{"name": "t3", "uid": 3, "dim": [2, 3], "stride": [3, 1], "data_type": "BFLOAT16"}
    }
    assert graph.calls[0].given["b"] == 0.5
    (y,) = graph.written().values()
    assert (y.uid, y.dim, y.stride, y.data_type) == (4, [2, 3], [3, 1], "FLOAT")


def test_plans_that_are_not_wanted_are_left_out() -> None:
    graph = drawn(Doubling(avoided=("NONDETERMINISTIC", "TENSOR_CORE")))
    assert graph.deselected == ["NONDETERMINISTIC", "TENSOR_CORE"]
