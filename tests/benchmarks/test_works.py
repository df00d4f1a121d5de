"""The rows of the benchmark."""

from benchmarks.nets import NETS
from benchmarks.works import MEMORY, WORKS, Work


def test_titles_are_unique_and_name_nets() -> None:
    titles = [work.title for work in (*WORKS, *MEMORY)]
    assert len(set(titles)) == len(titles) == 19
    assert {work.name for work in (*WORKS, *MEMORY)} == {*NETS, "LSTM"}


def test_who_takes_part() -> None:
    train, infer = Work("ResNet-18", 8, True), Work("ResNet-18", 8, False)
    assert train.numpy
    assert train.engines == ()
    assert infer.engines == ("onnxruntime", "openvino")
    assert "freeze cl mt" in infer.torch
    assert "freeze cl mt" not in train.torch
    assert Work("LSTM", 32, True).torch == ("eager",)
    assert not Work("ResNet-18", 8, True, bfloat16=True).numpy


def test_titles_say_what_is_run() -> None:
    assert Work("A", 8, True, bfloat16=True).title == "A train b8 bfloat16"
    assert Work("A", 1, False, memory=True).title == "A inference b1 memory"
