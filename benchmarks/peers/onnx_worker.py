"""Runs a net in ONNX Runtime or OpenVINO, a step whenever told to; in the peers' environment."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.peers.onnx_net import make_model
from benchmarks.peers.turns import check_output, read_reference, serve


def build(job: Any) -> Callable[[], Any]:
    """Return a function that makes one step."""
    reference = read_reference(job)
    model = make_model(job["layers"], reference)
    run = {"onnxruntime": onnxruntime, "openvino": openvino}[job["variant"]]
    step = run(model, reference["data"], job["threads"])
    check_output(step(), reference)
    return step


def onnxruntime(model: bytes, x: np.ndarray, threads: int) -> Callable[[], np.ndarray]:
    """Return a step of ONNX Runtime on its CPU provider, with all its optimizations."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"data": x})[0]


def openvino(model: bytes, x: np.ndarray, threads: int) -> Callable[[], np.ndarray]:
    """Return a step of OpenVINO, in one stream and in float32: it would take bfloat16 by itself."""
    import openvino as ov

    options = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": "1",
        "INFERENCE_NUM_THREADS": str(threads),
        "INFERENCE_PRECISION_HINT": "f32",
    }
    core = ov.Core()
    request = core.compile_model(core.read_model(model), "CPU", options).create_infer_request()
    return lambda: request.infer([x], share_inputs=True, share_outputs=True)[0]


if __name__ == "__main__":
    serve(build)
