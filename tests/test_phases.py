"""Which layers exist in which state."""

import pytest

from netcfg.errors import NetError
from netcfg.netcfg_pb2 import TEST, TRAIN, NetParameter, NetState, NetStateRule, Phase
from netcfg.phases import filter_net, left_out, meets, merge_states
from netcfg.schema import parse, parse_net


def names(text: str, phase: Phase = TRAIN, level: int = 0, stages: tuple[str, ...] = ()) -> str:
    net = parse_net(text, "net.prototxt").message
    filtered = filter_net(net, NetState(phase=phase, level=level, stage=stages))
    return " ".join(layer.name for layer in filtered.layer)


@pytest.mark.parametrize(
    ("rule", "state", "met"),
    [
        ("", "", True),
        ("phase: TRAIN", "phase: TRAIN", True),
        ("phase: TRAIN", "phase: TEST", False),
        ("phase: TEST", "", True),  # TEST is the phase of a state that names none
        ("phase: TRAIN", "", False),
        ("min_level: 0", "", True),
        ("min_level: 1", "", False),
        ("min_level: 1", "level: 1", True),
        ("min_level: 1", "level: 2", True),
        ("max_level: 1", "level: 1", True),
        ("max_level: 1", "level: 2", False),
        ("max_level: -1", "", False),
        ("min_level: 2 max_level: 3", "level: 3", True),
        ("min_level: 2 max_level: 3", "level: 4", False),
        ("stage: 'a'", "", False),
        ("stage: 'a'", "stage: 'a' stage: 'b'", True),
        ("stage: 'a' stage: 'b'", "stage: 'a'", False),
        ("stage: 'a' stage: 'b'", "stage: 'b' stage: 'a'", True),
        ("not_stage: 'a'", "", True),
        ("not_stage: 'a'", "stage: 'b'", True),
        ("not_stage: 'a' not_stage: 'b'", "stage: 'b'", False),
        ("stage: 'a' not_stage: 'b'", "stage: 'a' stage: 'b'", False),
        ("phase: TRAIN stage: 'a'", "phase: TEST stage: 'a'", False),
        ("phase: TRAIN min_level: 1", "phase: TRAIN level: 1", True),
    ],
)
def test_rules(rule: str, state: str, met: bool) -> None:
    rule_message = parse(rule, NetStateRule).message
    assert meets(parse(state, NetState).message, rule_message) is met


TRAIN_TEST = """
layer { name: "both" }
layer { name: "train" include { phase: TRAIN } }
layer { name: "test" include { phase: TEST } }
layer { name: "not train" exclude { phase: TRAIN } }
"""


def test_phases() -> None:
    assert names(TRAIN_TEST, TRAIN) == "both train"
    assert names(TRAIN_TEST, TEST) == "both test not train"


def test_any_rule_decides() -> None:
    text = """
    layer { name: "in" include { phase: TEST } include { stage: "a" } include { min_level: 2 } }
    layer { name: "out" exclude { phase: TEST } exclude { stage: "a" } exclude { min_level: 2 } }
    """
    assert names(text, TRAIN) == "out"
    assert names(text, TEST) == "in"
    assert names(text, TRAIN, stages=("a",)) == "in"
    assert names(text, TRAIN, level=2) == "in"


def test_the_empty_rule_always_holds() -> None:
    text = 'layer { name: "in" include { } } layer { name: "out" exclude { } }'
    assert names(text) == "in"


def test_both_kinds_of_rules_are_refused() -> None:
    text = '\nlayer { name: "a" type: "ReLU" include { } exclude { phase: TEST } exclude { } }'
    with pytest.raises(NetError) as caught:
        names(text)
    assert str(caught.value) == (
        "net.prototxt:2:1: layer 'a' (ReLU): must have include or exclude rules, not both; "
        "given 1 include and 2 exclude"
    )


def test_layers_get_the_phase_of_the_net() -> None:
    net = parse_net('layer { name: "a" } layer { name: "b" phase: TRAIN }').message
    filtered = filter_net(net, NetState(phase=TRAIN, level=3, stage=["x"]))
    assert [layer.phase for layer in filtered.layer] == [TRAIN, TRAIN]
    assert all(layer.HasField("phase") for layer in filtered.layer)
    assert filtered.state == NetState(phase=TRAIN, level=3, stage=["x"])


def test_the_state_of_the_result_names_its_phase() -> None:
    filtered = filter_net(parse_net('layer { name: "a" }').message, NetState())
    assert filtered.state.HasField("phase")
    assert filtered.state.phase == TEST
    assert filtered.layer[0].phase == TEST


def test_the_state_in_the_file_gives_way_to_the_one_asked_for() -> None:
    text = "state { phase: TEST level: 2 stage: 'x' } layer { include { stage: 'x' } }"
    filtered = filter_net(parse_net(text).message, NetState(phase=TRAIN))
    assert filtered.state == NetState(phase=TRAIN)
    assert not filtered.layer


def test_another_phase_of_a_layer_is_refused() -> None:
    with pytest.raises(NetError) as caught:
        names('layer { name: "a" type: "Dropout" phase: TEST }')
    assert str(caught.value) == (
        "net.prototxt:1:1: layer 'a' (Dropout): phase TEST must be that of the net, TRAIN; "
        "to have the layer in one phase only, write include { phase: TEST }"
    )
    assert names('layer { name: "a" phase: TEST include { phase: TEST } }', TRAIN) == ""


def test_the_given_net_stays_as_it_is() -> None:
    net = parse_net(TRAIN_TEST).message
    before = NetParameter()
    before.CopyFrom(net)
    filter_net(net, NetState(phase=TRAIN))
    assert net == before


def test_the_rest_of_the_net_and_its_places_are_carried_over() -> None:
    text = 'name: "n" force_backward: true\nlayer { } \n layer { include { phase: TEST } zip: 1 }'
    filtered = filter_net(parse_net(text, "f").message, NetState(phase=TEST))
    assert filtered.name == "n"
    assert filtered.force_backward
    assert [(one.source.line, one.source.column) for one in filtered.layer] == [(2, 1), (3, 2)]
    assert filtered.layer[1].unknown[0].path == "zip"


def test_old_nets_must_be_upgraded_first() -> None:
    net = parse('layers { name: "a" }', NetParameter).message
    with pytest.raises(NetError) as caught:
        filter_net(net, NetState())
    assert str(caught.value) == (
        "a net with 'layers' must be upgraded before its phases are chosen"
    )


def test_merging_states() -> None:
    net = NetState(phase=TEST, stage=["net"])
    solver = NetState(level=2, stage=["solver"])
    assert merge_states(TRAIN, []) == NetState(phase=TRAIN)
    assert merge_states(TRAIN, [NetState(), solver]) == NetState(
        phase=TRAIN, level=2, stage=["solver"]
    )
    assert merge_states(TRAIN, [net, solver]) == NetState(
        phase=TEST, level=2, stage=["net", "solver"]
    )


def test_what_is_left_out() -> None:
    net = parse_net(
        "layer { name: 'a' type: 'ReLU' include { phase: TRAIN } }\n"
        "layer { name: 'b' type: 'ReLU' }\n"
        "layer { name: 'c' type: 'ReLU' exclude { phase: TEST } }"
    ).message
    assert [layer.name for layer in left_out(net, NetState(phase=TEST))] == ["a", "c"]
    assert left_out(net, NetState(phase=TRAIN)) == []
