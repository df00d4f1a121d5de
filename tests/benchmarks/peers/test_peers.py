"""The same nets in PyTorch and ONNX, where these are installed."""

from pathlib import Path

import pytest

from benchmarks import reference
from benchmarks.peers.turns import check_output, read_reference


@pytest.fixture
def lenet(tmp_path: Path):
    path = tmp_path / "lenet.npz"
    reference.write(path, "LeNet", 2)
    return reference.describe("LeNet", 2, train=False), read_reference({"reference": str(path)})


def test_pytorch_gives_the_same(lenet) -> None:
    torch = pytest.importorskip("torch")
    from benchmarks.peers.torch_net import Net

    layers, arrays = lenet
    net = Net(layers)
    net.load(arrays)
    with torch.no_grad():
        check_output(net(torch.from_numpy(arrays["data"])).numpy(), arrays)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_inference_engines_give_the_same(lenet, engine: str) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip(engine)
    from benchmarks.peers import onnx_worker
    from benchmarks.peers.onnx_net import make_model

    layers, arrays = lenet
    run = getattr(onnx_worker, engine)
    check_output(run(make_model(layers, arrays), arrays["data"], 1)(), arrays)


def test_blobs_are_freed_after_their_last_reader() -> None:
    pytest.importorskip("torch")
    from benchmarks.peers.torch_net import last_reads

    layers = [
        {"bottoms": ["data"], "top": "a"},
        {"bottoms": ["a"], "top": "a"},
        {"bottoms": ["a"], "top": "b"},
        {"bottoms": ["a", "b"], "top": "c"},
    ]
    assert last_reads(layers) == [["data"], ["a"], [], ["a", "b"]]
