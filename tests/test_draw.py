"""Nets as pictures."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from netcfg.draw import COLORS, GREY, draw_net, draw_net_to_file, get_pydot_graph
from netcfg.errors import NetError
from netcfg.layer import registry
from netcfg.netcfg_pb2 import TEST, TRAIN, NetParameter
from netcfg.schema import parse

ROOT = Path(__file__).resolve().parents[1]
NET = """\
name: "a \\"net\\""
layer { name: "in" type: "Input" top: "x" top: "label" include { phase: TRAIN }
  input_param { shape { dim: 8 dim: 3 dim: 9 dim: 9 } shape { dim: 8 } } }
layer { name: "in" type: "Input" top: "x" top: "label" include { phase: TEST }
  input_param { shape { dim: 2 dim: 3 dim: 9 dim: 9 } shape { dim: 2 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv" param { lr_mult: 0.5 } param { }
  convolution_param { num_output: 6 kernel_h: 3 kernel_w: 5 stride: 2 group: 3 dilation: 1 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param {
  pool: AVE kernel_size: 2 pad: 1 } }
layer { name: "all" type: "Pooling" bottom: "pool" top: "all"
  pooling_param { global_pooling: true } }
layer { name: "<ip>" type: "InnerProduct" bottom: "all" top: "ip"
  inner_product_param { num_output: 4 } }
layer { name: "odd" type: "Odd" bottom: "ip" top: "odd" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss"
  include { phase: TRAIN } }
"""


def net(text: str = NET) -> NetParameter:
    return parse(text, NetParameter).message


def lines(**options: object) -> list[str]:
    text = get_pydot_graph(net(), "LR", **options).to_string()  # type: ignore[arg-type]
    return [line.strip() for line in text.splitlines()]


def box(name: str, drawn: list[str]) -> str:
    return next(line for line in drawn if f"<b>{name}</b>" in line)


def test_boxes() -> None:
    drawn = lines(display_lrm=True)
    assert drawn[:2] == ['digraph "a \\"net\\"" {', "rankdir=LR;"]
    assert box("conv", drawn) == (
        "n2 [label=<<b>conv</b><br/>Convolution<br/>6 outputs, group 3<br/>"
        'kernel 3×5, stride 2, pad 0<br/>lr_mult 0.5, 1>, fillcolor="#f5c6b4"];'
    )
    assert "<b>pool</b><br/>Pooling<br/>AVE<br/>kernel 2, stride 1, pad 1>" in box("pool", drawn)
    assert "<b>all</b><br/>Pooling<br/>MAX, all of the image>" in box("all", drawn)
    assert "<b>&lt;ip&gt;</b><br/>InnerProduct<br/>4 outputs<br/>lr_mult 1>" in "".join(drawn)
    assert f'fillcolor="{GREY}"' in box("odd", drawn)
    assert "lr_mult" not in "".join(lines())


def test_arrows_of_one_phase() -> None:
    arrows = [line for line in lines(phase=TRAIN) if "->" in line]
    assert arrows == [
        "n0 -> n2 [label=< x<br/> 8×3×9×9>];",
        "n2 -> n3 [label=< 8×6×4×3>];",
        "n3 -> n4 [label=< conv<br/> 8×6×4×3>];",
        "n4 -> n5 [label=< 8×6×5×4>];",
        "n5 -> n6 [label=< 8×6×1×1>];",
        "n6 -> n8 [label=< ip<br/> 8×4>];",
        "n0 -> n8 [label=< label<br/> 8>];",
        "n8 -> o8_0 [label=< 1>];",
    ]
    assert [line for line in lines(phase=TEST) if "->" in line][-2:] == [
        "n1 -> o1_1 [label=< label<br/> 2>];",
        "n7 -> o7_0;",
    ]


def test_all_phases_in_one_picture() -> None:
    arrows = [line for line in lines() if "->" in line]
    assert "n0 -> n2 [label=< x<br/> 8×3×9×9>];" in arrows
    assert "n1 -> n2 [label=< x<br/> 2×3×9×9>];" in arrows
    assert sum(line.startswith("n2 -> n3") for line in arrows) == 1
    # A layer at TEST reads nothing that is written at TRAIN.
    assert not any(line.startswith("n1 -> n8") for line in arrows)
    assert any(line.startswith("n6 -> n7") for line in arrows)


def test_layers_of_stages_hide_no_others() -> None:
    text = """
      layer { name: "x" type: "Input" top: "x" }
      layer { name: "s" type: "ReLU" bottom: "x" top: "x" include { stage: "odd" } }
      layer { name: "y" type: "ReLU" bottom: "x" top: "y" }
    """
    drawing = get_pydot_graph(net(text), "LR", label_edges=False).to_string()
    assert [line.strip() for line in drawing.splitlines() if "->" in line] == [
        "n0 -> n1;",
        "n0 -> n2;",
        "n1 -> n2;",
        "n2 -> o2_0;",
    ]


def test_nothing_is_a_name_too() -> None:
    drawing = get_pydot_graph(net('layer { name: "" type: "" top: "" }'), "LR")
    assert "n0 [label=<<b>&#160;</b><br/>&#160;>" in drawing.text
    assert "label=<&#160;>" in drawing.text


def test_old_nets() -> None:
    old = net('layers { name: "r" type: RELU bottom: "x" top: "r" }')
    assert "<b>r</b><br/>ReLU" in get_pydot_graph(old, "TB").text


def test_every_family_has_its_color() -> None:
    families = {
        cls.__module__.rpartition(".")[2]
        for cls in registry.values()
        if cls.__module__.startswith("netcfg.layers.")
    }
    assert {"data", "conv", "pooling", "activation", "loss"} <= families & set(COLORS)


def test_dot_files_need_no_graphviz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    draw_net_to_file(net(), tmp_path / "n.dot", "TB", phase=TEST)
    assert (tmp_path / "n.dot").read_text() == get_pydot_graph(net(), "TB", phase=TEST).text
    with pytest.raises(
        NetError, match=r"a \.png is drawn by Graphviz, which is not installed: apt"
    ):
        draw_net_to_file(net(), tmp_path / "n.png")
    assert not (tmp_path / "n.png").exists()


def fake_dot(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "dot"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_dot_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_dot(tmp_path, 'echo "$1"; cat', monkeypatch)
    assert draw_net(net(), "BT", "svg").decode() == "-Tsvg\n" + get_pydot_graph(net(), "BT").text
    fake_dot(
        tmp_path,
        'cat > /dev/null; echo "Format: \\"xyz\\" not recognized." >&2; exit 1',
        monkeypatch,
    )
    with pytest.raises(NetError, match=r'cannot draw a \.xyz: Format: "xyz" not recognized'):
        draw_net_to_file(net(), tmp_path / "n.xyz")


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz")
def test_real_pictures(tmp_path: Path) -> None:
    odd = net(
        'layer { name: "" type: "" top: "" } layer { name: "\\\\<\\t>" bottom: "" top: "é\\n" }'
    )
    lenet = parse((ROOT / "configs/mnist/train_val.prototxt").read_text(), NetParameter).message
    for each in (net(), lenet, odd):
        assert draw_net(each, "LR").startswith(b"\x89PNG")
        assert b"</svg>" in draw_net(each, "TB", "svg", phase=TEST, display_lrm=True)


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NetError, match="rankdir must be one of LR, TB, RL, BT; given 'XX'"):
        get_pydot_graph(net(), "XX")
    with pytest.raises(NetError, match="must end in a format"):
        draw_net_to_file(net(), tmp_path / "picture")


def test_programs_of_caffe(tmp_path: Path) -> None:
    """What draw_net.py and the tests of pycaffe do."""
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "program.py").write_text("""
import caffe
import caffe.draw
from caffe.proto import caffe_pb2
from google.protobuf import text_format

net = caffe_pb2.NetParameter()
with open("net.prototxt") as file:
    text_format.Merge(file.read(), net)
caffe.draw.draw_net_to_file(net, "net.dot", "LR", caffe.TEST, True)
print(caffe.draw.get_pydot_graph(net, "BT").to_string())
""")
    command = [sys.executable, "-m", "netcfg.pycaffe", "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == get_pydot_graph(net(), "BT").text.strip()
    drawn = get_pydot_graph(net(), "LR", phase=TEST, display_lrm=True).text
    assert (tmp_path / "net.dot").read_text() == drawn
