"""Element-wise functions keep the layout of what they are given."""

import numpy as np
import pytest

from netcfg.engines import get_engine
from netcfg.engines.onednn.memory import is_last

X = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
LAST = np.ascontiguousarray(X.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


@pytest.mark.parametrize("x", [X, LAST])
def test_results_lie_as_arguments(x: np.ndarray) -> None:
    engine = get_engine("onednn")
    results = [
        engine.relu(x, 0.1),
        engine.relu_grad(x, x, 0.1),
        engine.tanh(x),
        engine.weighted_sum([x, x, x], [1.0, 2.0, 3.0]),
        engine.weighted_sum([x, x], [1.0, 1.0], 0.0),
        engine.concat([x, x], 1),
    ]
    assert [is_last(y) for y in results] == [x is LAST] * len(results)


def test_mixed_layouts_go_channels_last() -> None:
    y = get_engine("onednn").weighted_sum([X, LAST], [1.0, -1.0])
    assert is_last(y)
    assert not y.any()
