from pathlib import Path

import pytest

from netcfg.errors import NetError
from netcfg.netcfg_pb2 import SolverParameter
from netcfg.schema import parse_solver
from netcfg.solver.nets import NetPlanner, batch_size, build, split_paths, weight_files

NET = 'layer {{ name: "in" type: "Input" top: "{}" input_param {{ shape {{ dim: 7 dim: 2 }} }} }}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in "abc":
        (tmp_path / f"{name}.prototxt").write_text(f'name: "{name}" {NET.format(name)}')
    return tmp_path


def planner(folder: Path, text: str) -> NetPlanner:
    param: SolverParameter = parse_solver(text).message
    return NetPlanner(param, str(folder / "solver.prototxt"))


def inline(name: str) -> str:
    return f'{{ name: "{name}" {NET.format(name)} }}'


@pytest.mark.parametrize(
    "text",
    [
        'net: "a.prototxt"',
        'train_net: "a.prototxt"',
        f"net_param {inline('a')}",
        f"train_net_param {inline('a')}",
    ],
)
def test_train_net(folder: Path, text: str) -> None:
    plan = planner(folder, text).train()
    assert (plan.net.name, plan.state.phase) == ("a", 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "given none"), ('net: "a.prototxt" train_net: "b.prototxt"', "given net and train_net")],
)
def test_exactly_one_train_net(folder: Path, text: str, said: str) -> None:
    with pytest.raises(NetError, match=f"one of net, net_param, .* must be given; {said}"):
        planner(folder, text).train()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('net: "a.prototxt"', ""),
        ('net: "a.prototxt" test_iter: 1 test_iter: 2', "aa"),
        ('train_net: "a.prototxt" test_net: "b.prototxt" test_iter: 1', "b"),
        ('net: "a.prototxt" test_net: "b.prototxt" test_iter: 1 test_iter: 1', "ba"),
        (
            f'net: "a.prototxt" test_net: "b.prototxt" test_net_param {inline("c")} '
            "test_iter: 1 test_iter: 1 test_iter: 1 test_iter: 1",
            "cbaa",
        ),
        (f"net_param {inline('a')} test_iter: 1", "a"),
    ],
)
def test_test_nets_in_caffes_order(folder: Path, text: str, names: str) -> None:
    plans = planner(folder, f"{text} test_interval: 5").tests()
    assert "".join(plan.net.name for plan in plans) == names
    assert all(plan.state.phase == 1 for plan in plans)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'train_net: "a.prototxt" test_net: "b.prototxt" test_iter: 1 test_iter: 1',
            "test_iter must be given once for each of the 1 test nets; given 2",
        ),
        ('train_net: "a.prototxt" test_iter: 1', "each of the 0 test nets; given 1"),
        (
            'net: "a.prototxt" test_net: "b.prototxt"',
            "test_iter must be given at least once for each of the 1 test nets; given 0",
        ),
        (
            'net: "a.prototxt" test_iter: 1 test_iter: 1 test_state {}',
            "test_state must be given once for each of the 2 test nets .*; given 1",
        ),
    ],
)
def test_counts_that_do_not_agree(folder: Path, text: str, said: str) -> None:
    with pytest.raises(NetError, match=said):
        planner(folder, f"{text} test_interval: 5").tests()


def test_test_interval_is_needed(folder: Path) -> None:
    with pytest.raises(NetError, match="test_interval must be at least 1 with test nets; given 0"):
        planner(folder, 'net: "a.prototxt" test_iter: 1').tests()


def test_states_go_from_net_to_solver(folder: Path) -> None:
    (folder / "a.prototxt").write_text(f'state {{ level: 1 stage: "n" }} {NET.format("a")}')
    text = """net: "a.prototxt" train_state { level: 4 stage: "t" } test_iter: 1 test_iter: 1
    test_interval: 1 test_state { stage: "x" } test_state { level: 5 }"""
    nets = planner(folder, text)
    assert (nets.train().state.level, list(nets.train().state.stage)) == (4, ["n", "t"])
    first, second = nets.tests()
    assert (first.state.level, list(first.state.stage)) == (1, ["n", "x"])
    assert (second.state.level, list(second.state.stage)) == (5, ["n"])


def test_missing_file_names_the_nearest(folder: Path) -> None:
    with pytest.raises(NetError, match=r"'a.prototx' not found; .*did you mean '\w.prototxt'"):
        planner(folder, 'net: "a.prototx"').train()


def test_notes_on_unknown_fields_are_said_once(folder: Path) -> None:
    (folder / "a.prototxt").write_text(f"{NET.format('a')} swirl_param {{ angle: 1 }}")
    nets = planner(folder, 'net: "a.prototxt" test_iter: 1 test_interval: 1')
    nets.train(), nets.tests()
    (note,) = nets.notes
    assert "a.prototxt:1:" in note
    assert "unknown field 'swirl_param'" in note


def test_layers_judge_their_own_fields(folder: Path) -> None:
    text = NET.format("a").replace("input_param", "swirl_param { angle: 1 } input_param")
    (folder / "a.prototxt").write_text(text)
    nets = planner(folder, 'net: "a.prototxt"')
    plan = nets.train()
    assert nets.notes == []
    with pytest.raises(NetError, match=r"unknown field 'swirl_param'.*; remove it"):
        build(plan, None, 0, 0)


def test_errors_in_a_net_are_refused(folder: Path) -> None:
    (folder / "a.prototxt").write_text(f"{NET.format('a')} debug_infos: true")
    with pytest.raises(NetError, match="unknown field 'debug_infos'"):
        planner(folder, 'net: "a.prototxt"').train()


def test_batch_size(folder: Path) -> None:
    net = build(planner(folder, 'net: "a.prototxt"').train(), None, 0, 0)
    assert batch_size(net) == 7


def test_paths_with_commas() -> None:
    assert split_paths(["a, b", Path("c"), ""]) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "1:1: one of net, "),
        ("net: 'a.prototxt'\ntrain_net: 'b.prototxt'", "2:1: one of net, "),
        ("base_lr: 1\ntrain_net: 'no.prototxt'", "2:1: file 'no.prototxt' not found"),
        ("net: 'a.prototxt'\ntest_net: 'b.prototxt'", "2:1: test_iter must be given at least"),
        ("net: 'a.prototxt' test_net: 'b.prototxt'\ntest_iter: []", "1:19: test_iter must be"),
        ("train_net: 'a.prototxt'\ntest_iter: 1", "2:1: test_iter must be given once"),
        ("net: 'a.prototxt' test_iter: 1 test_iter: 1\ntest_state {}", "2:1: test_state must"),
        ("net: 'a.prototxt'\ntest_iter: 1", "2:1: test_interval must be at least 1"),
        ("net: 'a.prototxt' test_iter: 1\ntest_interval: 0", "2:1: test_interval must be at least"),
        ("net: 'a.prototxt'\ntest_net: 'no.prototxt' test_iter: 1", "2:1: file 'no.prototxt'"),
    ],
)
def test_mistakes_have_a_place(folder: Path, text: str, place: str) -> None:
    nets = NetPlanner(parse_solver(text, "s.prototxt").message, str(folder / "s.prototxt"))
    with pytest.raises(NetError, match=f"^s.prototxt:{place}"):
        nets.train(), nets.tests()


def test_weights_given_stand_in_for_those_of_the_solver(folder: Path) -> None:
    for name in ("a.caffemodel", "b.caffemodel"):
        (folder / name).touch()
    param = parse_solver("base_lr: 1\nweights: 'a.caffemodel,no.caffemodel'", "s.prototxt").message
    near = str(folder / "s.prototxt")
    assert weight_files(param, ["b.caffemodel"], near) == [folder / "b.caffemodel"]
    with pytest.raises(NetError, match=r"^file 'c\.caffemodel' not found"):
        weight_files(param, ["c.caffemodel"], near)
    with pytest.raises(NetError, match=r"^s\.prototxt:2:1: file 'no\.caffemodel' not found"):
        weight_files(param, [], near)
