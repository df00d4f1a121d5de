"""Which gradients are wanted."""

import pytest

import netcfg.layers  # noqa: F401 - fills the registry
from netcfg.errors import NetError
from netcfg.graph import Blob, build_graph
from netcfg.plan import Plan, make_plan
from netcfg.schema import parse_net

NET = """
layer {{ name: "data" type: "Input" top: "x" input_param {{ shape {{ dim: 4 dim: 3 }} }} }}
layer {{ name: "label" type: "Input" top: "t" input_param {{ shape {{ dim: 4 }} }} }}
layer {{ name: "ip1" type: "InnerProduct" bottom: "x" top: "a" {ip1} }}
layer {{ name: "relu" type: "ReLU" bottom: "a" top: "a" }}
layer {{ name: "ip2" type: "InnerProduct" bottom: "a" top: "b" {ip2} }}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "b" bottom: "t" top: "loss" {loss} }}
layer {{ name: "acc" type: "Accuracy" bottom: "b" bottom: "t" top: "acc" }}
"""


def plan(
    learns: tuple[int, ...] = (2, 4),
    force: bool = False,
    **fields: str,
) -> Plan:
    text = NET.format(**({"ip1": "", "ip2": "", "loss": ""} | fields))
    graph = build_graph(parse_net(text).message.layer)
    learn = [i in learns for i in range(len(graph.nodes))]
    return make_plan(graph, learn, force_backward=force)


def test_gradients_go_from_the_loss_to_what_learns_and_no_further() -> None:
    p = plan()
    assert p.need == ((), (), (False,), (True,), (True,), (True, False), (False, False))
    assert p.backward == (5, 4, 3, 2)


def test_nothing_below_the_first_layer_that_learns_runs_backward() -> None:
    p = plan(learns=(4,))
    assert p.need[4] == (False,)
    assert p.backward == (5, 4)


def test_propagate_down_false_cuts_and_true_asks() -> None:
    p = plan(ip2="propagate_down: false")
    assert p.backward == (5, 4)
    p = plan(ip1="propagate_down: true")
    assert p.need[2] == (True,)


def test_no_backward_pass_without_a_loss() -> None:
    p = plan(loss="loss_weight: 0")
    assert p.loss_weight == {}
    assert p.backward == ()


def test_force_backward_asks_for_everything_but_labels() -> None:
    p = plan(learns=(), force=True)
    assert p.need == ((), (), (True,), (True,), (True,), (True, False), (False, False))


def test_negative_indices_of_constant_bottoms_count_from_the_last() -> None:
    filtered = 'layer { name: "f" type: "Filter" bottom: "b" bottom: "t" top: "f" }'
    graph = build_graph(parse_net(NET.format(ip1="", ip2="", loss="") + filtered).message.layer)
    p = make_plan(graph, [False] * len(graph.nodes), force_backward=True)
    assert p.need[-1] == (True, False)


def test_loss_weights() -> None:
    assert plan().loss_weight == {Blob("loss"): 1.0}
    assert plan(loss="loss_weight: 0.25").loss_weight == {Blob("loss"): 0.25}


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("loss_weight: 1 loss_weight: 2", "loss_weight must be given for none or for each of"),
        ("propagate_down: true", "propagate_down must be given for none or for each of"),
    ],
)
def test_wrong_counts_are_refused(field: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        plan(loss=field)
