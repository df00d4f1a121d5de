"""The tables of the benchmark of the CPU engine."""

from pathlib import Path

import pytest

from benchmarks import cpu_page
from benchmarks.cpu_page import Figures, Record, caffe_row, memory_row, page, ratio_row, time_row
from benchmarks.works import MEMORY, WORKS, Work

LENET = WORKS[0]
SQUEEZENET = Work("SqueezeNet 1.1", 1, False)


def records(**ms: float) -> dict[str, Record]:
    return {name.replace("_", " "): Record(value, 2048, 9) for name, value in ms.items()}


def test_a_row_has_the_best_of_each_kind() -> None:
    measured = records(
        netcfg=3, NumPy_engine=10, eager=6, freeze_cl_mt=4, onnxruntime=2.4, openvino=2.5
    )
    assert ratio_row(SQUEEZENET, 2, measured) == [
        *("SqueezeNet 1.1 inference b1", "2", "3.00"),
        *("4.00 (freeze cl mt)", "0.75", "0.70 / 0.93"),
        *("2.40 (onnxruntime)", "**1.25**", "0.95 / 1.10"),
        "0.30",
    ]


def test_what_was_not_measured_has_dashes() -> None:
    assert ratio_row(LENET, 1, records(netcfg=3))[3:] == ["–"] * 7
    assert time_row(LENET, 1, records(netcfg=3, cl=4)) == [
        *("LeNet train b64", "1", "3.00", "–", "–", "4.00"),
        *["–"] * 5,
    ]


def test_disturbed_medians_have_a_star() -> None:
    assert Record(1.234, 0, 3, disturbed=True).cell == "1.23*"
    assert Record(1.234, 0, 9).cell == "1.23"


def test_caffe_is_compared_by_image() -> None:
    expected = ["LeNet train b64", "2", "0.100", "0.272", "**0.37**", "0.20 / 0.30"]
    assert caffe_row(LENET, 2, records(netcfg=6.4)) == expected


def test_memory_is_compared_with_the_least_of_pytorch() -> None:
    rows = {name: Record(1, mib * 1024, 2) for name, mib in MIB.items()}
    expected = ["ResNet-50 train b32 memory", "3,000", "4,000", "–", "5,000", "0.75", "0.90"]
    assert memory_row(MEMORY[0], 2, rows) == expected


MIB = {"netcfg": 3000, "eager": 4000, "cl mt": 5000}


def test_figures_survive_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures, again = Figures(), Figures()
    figures.add(LENET, 2, records(netcfg=3, eager=6))
    figures.save(tmp_path / "cpu.json")
    assert again.read(tmp_path / "cpu.json")
    assert again == figures
    elsewhere = Figures()
    monkeypatch.setattr(cpu_page, "machine", lambda: "another one")
    assert not elsewhere.read(tmp_path / "cpu.json")
    assert elsewhere == Figures()
    assert not elsewhere.read(tmp_path / "none.json")
    assert elsewhere == Figures()


def test_the_page_has_what_was_measured() -> None:
    figures = Figures()
    figures.add(SQUEEZENET, 1, records(netcfg=3, eager=6))
    text = page(figures, None, ["eager: no torch"])
    assert "| SqueezeNet 1.1 inference b1 | 1 | 3.00 | 6.00 (eager) | 0.50 | 0.70 / 0.93 |" in text
    assert "no peers" in text
    assert "Caffe's figures" not in text
    assert "resident memory" not in text
    assert text.endswith("## Not measured\n\n- eager: no torch\n")
    figures.add(LENET, 1, records(netcfg=6.4))
    figures.add(MEMORY[0], 2, records(netcfg=6.4))
    text = page(figures, None)
    assert "| LeNet train b64 | 1 | 0.100 | 0.259 |" in text
    assert "| ResNet-50 train b32 memory | 2 |" in text
    assert "Not measured" not in text
    assert text.index("LeNet train") < text.index("SqueezeNet"), "in the order of the works"
