"""Everything that is wrong with a file, all of it at once."""

from collections.abc import Callable
from pathlib import Path

import pytest

import netcfg.layers  # noqa: F401 - fills the registry
from netcfg.check import check_file
from netcfg.layer import Layer, register, registry
from netcfg.schema import Finding

Write = Callable[..., str]

GOOD = """\
layer { name: "data" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "y"
        convolution_param { num_output: 4 kernel_size: 3 } }
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)

    def call(text: str, name: str = "n.prototxt") -> str:
        Path(name).write_text(text)
        return name

    return call


def lines(findings: list[Finding]) -> list[str]:
    return [f"{finding.where}: {finding.severity}: {finding.message}" for finding in findings]


def expect(findings: list[Finding], *words: tuple[str, str, str]) -> None:
    """Compare place, severity and a part of the message of each finding."""
    assert [(f.where, f.severity) for f in findings] == [w[:2] for w in words], lines(findings)
    for finding, (_, _, part) in zip(findings, words, strict=True):
        assert part in finding.message


def test_good_net(write: Write) -> None:
    assert check_file(write(GOOD)) == []


def test_all_errors_at_once(write: Write) -> None:
    text = GOOD + (
        'layer { name: "relu" type: "ReLu" bottom: "y" top: "z" }\n'
        'layer { name: "ip" type: "InnerProduct" bottom: "z" top: "ip" }\n'
        'layer { name: "pool" type: "Pooling" bottom: "yy" top: "pool" }\n'
        'layer { name: "conv2" type: "Convolution" bottom: "y" top: "conv2"\n'
        "        convolution_param { num_output: 4 kernel_size: 9 } }\n"
        'layer { name: "deep" type: "ReLU" bottom: "conv2" top: "deep" top: "more" }\n'
    )
    expect(
        check_file(write(text)),
        ("n.prototxt:4:1", "error", "layer 'relu' (ReLu): unknown layer type"),
        ("n.prototxt:6:1", "error", "layer 'pool' (Pooling): unknown bottom 'yy'"),
        ("n.prototxt:7:1", "error", "kernel 9 spans 9"),
        ("n.prototxt:9:1", "error", "layer 'deep' (ReLU): takes 1 top; given 2"),
    )


def test_each_phase_counts(write: Write) -> None:
    text = GOOD + (
        'layer { name: "a" type: "ReLU" bottom: "y" top: "t" include { phase: TRAIN } }\n'
        'layer { name: "b" type: "ReLU" bottom: "t" top: "z" }\n'
    )
    expect(check_file(write(text)), ("n.prototxt:5:1", "error", "unknown bottom 't'"))


def test_syntax_error(write: Write) -> None:
    expect(check_file(write('layer { name: "a"')), ("n.prototxt:1:18", "error", "expected '}'"))


def test_what_is_no_prototxt(write: Write) -> None:
    expect(check_file(write("\0")), ("n.prototxt", "error", "must be text in UTF-8"))
    expect(check_file("missing.prototxt"), ("missing.prototxt", "error", "not found"))


def test_missing_data_hides_no_other_error(write: Write) -> None:
    text = (
        'layer { name: "d" type: "Data" top: "x" '
        'data_param { source: "nowhere" batch_size: 2 backend: LMDB } }\n'
        'layer { name: "r" type: "ReLU" bottom: "x" top: "y" }\n'
        'layer { name: "s" type: "ReLU" bottom: "xx" top: "z" }\n'
    )
    expect(
        check_file(write(text)),
        ("n.prototxt:1:1", "warning", "'nowhere' not found"),
        ("n.prototxt:3:1", "error", "unknown bottom 'xx'"),
    )


def test_unknown_fields_are_for_layers_to_judge(write: Write) -> None:
    text = GOOD + 'layer { name: "r" type: "ReLU" bottom: "y" top: "z" twirl_param { angle: 1 } }\n'
    (finding,) = check_file(write(text))
    assert finding.severity == "error"
    assert "layer 'r' (ReLU): unknown field 'twirl_param" in finding.message


def test_which_layer_of_a_name_was_taken(write: Write) -> None:
    text = GOOD + (
        'layer { name: "bn" type: "BN" bottom: "y" top: "z" bn_param { bn_mode: LEARN } }\n'
        'layer { name: "up" type: "Upsample" bottom: "z" top: "u" upsample_param { scale: 2 } }\n'
    )
    expect(
        check_file(write(text)),
        ("n.prototxt:4:1", "note", "layer 'bn' (BN): taken as SegNet's BN: scale and shift"),
        ("n.prototxt:5:1", "note", "(Upsample): taken as MobileNet-YOLO's Upsample, nearest"),
    )


def test_fields_of_layers_from_outside(write: Write) -> None:
    @register("Twirl")
    class Twirl(Layer):
        own_fields = {"twirl_param": {"angle": 1.0}}  # noqa: RUF012 - as users write it

    try:
        text = (
            GOOD + 'layer { name: "r" type: "Twirl" bottom: "y" top: "z" twirl_param { angle: 2 } }'
        )
        assert check_file(write(text)) == []
    finally:
        del registry["Twirl"]


def test_fields_of_forks_that_nothing_implements(write: Write) -> None:
    text = GOOD + (
        'layer { name: "p" type: "Pooling" bottom: "y" top: "p"\n'
        "        pooling_param { kernel_size: 2 kernel_depth: 2 } }\n"
        'layer { name: "s" type: "Softmax" bottom: "y" top: "s" '
        'softmax_param { normalize_type: "L2" } }\n'
    )
    expect(
        check_file(write(text, "net.prototxt")),
        ("net.prototxt:4:1", "error", "layer 'p' (Pooling): field 'pooling_param.kernel_depth'"),
        ("net.prototxt:6:1", "error", "layer 's' (Softmax): field 'softmax_param.normalize_type'"),
    )
    text = '\nnet: "net.prototxt" lr_policy: "stepp" base_lr: 1 max_iter: 5 larc: true'
    expect(
        check_file(write(text, "s.prototxt")),
        ("s.prototxt:2:21", "error", "unknown lr_policy"),
        ("s.prototxt:2:63", "error", "field 'larc' (known from NVCaffe) is not implemented by"),
        ("net.prototxt:4:1", "error", "kernel_depth"),
        ("net.prototxt:6:1", "error", "normalize_type"),
    )


def test_solver_and_its_nets(write: Write) -> None:
    write(GOOD.replace("num_output: 4", "num_output: 4 group: 2"), "net.prototxt")
    text = """net: "net.prototxt" test_net: "nets.prototxt" test_iter: 1
        lr_policy: "stepp" base_lr: 1 type: "Adamm" max_iter: 5 test_interval: 5"""
    findings = check_file(write(text, "s.prototxt"))
    assert [finding.severity for finding in findings] == ["error"] * 4
    found = "\n".join(lines(findings))
    for words in (
        "unknown lr_policy 'stepp'; did you mean 'step'",
        "'Adamm'; did you mean 'Adam'",
        "file 'nets.prototxt' not found",
        "net.prototxt:2:1: error: layer 'conv' (Convolution): group 2 must divide 3",
    ):
        assert words in found


def test_solver_without_a_net(write: Write) -> None:
    findings = check_file(write('base_lr: 1 lr_policy: "fixed"', "s.prototxt"))
    expect(findings, ("s.prototxt:1:1", "error", "must be given; given none"))


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("iter_size: 0", "2:1", "iter_size must be at least 1; given 0"),
        ("regularization_type: 'L3'", "2:1", "regularization_type must be L1 or L2; given 'L3'"),
        ("test_net: 'no.prototxt' test_iter: 1 test_interval: 1", "2:1", "file 'no.prototxt' not"),
        ("train_net: 'net.prototxt'", "2:1", "must be given; given net and train_net"),
        ("test_iter: 1", "2:1", "test_interval must be at least 1"),
    ],
)
def test_places_of_solver_fields(write: Write, text: str, place: str, message: str) -> None:
    write(GOOD, "net.prototxt")
    solver = 'net: "net.prototxt" lr_policy: "fixed" base_lr: 1 max_iter: 1'
    findings = check_file(write(f"{solver}\n{text}", "s.prototxt"))
    expect(findings, (f"s.prototxt:{place}", "error", message))


def test_solver_chooses_the_layers(write: Write) -> None:
    rule = 'include { stage: "deploy" }'
    write(
        GOOD + f'layer {{ name: "r" type: "ReLu" bottom: "y" top: "z" {rule} }}\n', "net.prototxt"
    )
    text = 'net: "net.prototxt" lr_policy: "fixed" base_lr: 1 max_iter: 1'
    assert check_file(write(text, "s.prototxt")) == []
    findings = check_file(write(f'{text} train_state {{ stage: "deploy" }}', "s.prototxt"))
    expect(findings, ("net.prototxt:4:1", "error", "unknown layer type 'ReLu'"))
    with open("net.prototxt", "a") as file:
        file.write('state { stage: "deploy" }\n')
    findings = check_file(write(text, "s.prototxt"))
    expect(findings, ("net.prototxt:4:1", "error", "unknown layer type 'ReLu'"))


def test_nets_within_a_solver(write: Write) -> None:
    net = GOOD.replace('"Input"', '"Inputt"')
    text = f'net_param {{ {net} }} lr_policy: "fixed" base_lr: 1 max_iter: 1'
    findings = check_file(write(text, "s.prototxt"))
    expect(findings, ("s.prototxt:1:13", "error", "unknown layer type 'Inputt'"))
