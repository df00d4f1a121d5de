"""Running operations: layouts, reorders, what oneDNN refuses."""

import os
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

from netcfg.engines import Conv, Window, get_engine
from netcfg.engines.onednn.engine import OneDNN
from netcfg.engines.onednn.library import RefusedError
from netcfg.engines.onednn.operation import Slot
from netcfg.engines.onednn.runner import Frozen, Runner

CONV = Conv(Window((3, 3), (1, 1), (1, 1), (1, 1)))


def make(shape: tuple[int, ...], seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_channels_last_needs_no_reorder_from_layer_to_layer() -> None:
    engine = get_engine("onednn")
    assert isinstance(engine, OneDNN)
    runner = engine._runner
    x, w = make((2, 16, 8, 8)), engine.freeze(make((16, 16, 3, 3)))
    y = engine.conv(x, w, None, CONV)  # x and w come into their layouts
    before = runner.reorders
    y = engine.relu(engine.conv(y, w, None, CONV), 0.0)
    y, _ = engine.max_pool(y, Window((2, 2), (2, 2), (0, 0), (1, 1)), (4, 4))
    y, *_ = engine.norm_scale(y, make((16,)), make((16,)), 1e-5, relu=True)
    engine.concat([engine.weighted_sum([y, y], [1.0, 2.0]), y], 1)
    assert runner.reorders == before


def test_what_is_refused_is_asked_for_once() -> None:
    runner, asked = Runner(), []

    def refuse() -> Any:
        asked.append(1)
        raise RefusedError

    assert runner.find("x", refuse) is None
    assert runner.find("x", refuse) is None
    assert asked == [1]


def test_reorder_copies_any_layout() -> None:
    x = make((2, 3, 4, 5))
    fields = np.zeros((3, 4), [("a", "<f4"), ("b", "<i2")])
    fields["a"] = x[0, :, :, 0]
    views = [x, x[:, ::-1], x.transpose(0, 2, 3, 1), np.broadcast_to(x[:1], x.shape), fields["a"]]
    views.append(np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(2, 3))[0])
    for view in views:
        y = Runner().reorder(view, Slot(0, view.shape))
        np.testing.assert_array_equal(y, view)


def test_frozen_weights_are_packed_once() -> None:
    engine = get_engine("onednn")
    w = make((32, 16, 3, 3))
    frozen = engine.freeze(w)
    assert isinstance(frozen, Frozen)
    x = make((1, 16, 6, 6))
    expected = engine.conv(x, w, None, CONV)
    runner: Any = engine._runner  # type: ignore[attr-defined]
    engine.conv(x, frozen, None, CONV)
    before = runner.reorders
    np.testing.assert_array_equal(engine.conv(x, frozen, None, CONV), expected)
    assert runner.reorders - before == 1, "of x alone"
    large = make((1, 16, 60, 60))
    np.testing.assert_allclose(
        engine.conv(large, frozen, None, CONV), engine.conv(large, w, None, CONV), atol=1e-5
    )


@pytest.mark.parametrize("group", [2, 16])
def test_frozen_weights_of_groups_follow_the_layout(group: int) -> None:
    conv = Conv(CONV.window, group)
    w = make((32, 16 // group, 3, 3))
    engine = get_engine("onednn")
    frozen = engine.freeze(w)
    for size in (6, 60, 5, 61):
        x = make((1, 16, size, size))
        found = engine.conv(x, frozen, None, conv)
        np.testing.assert_allclose(found, engine.conv(x, w, None, conv), atol=1e-5)


def test_threads_may_share_an_engine() -> None:
    engine = get_engine("onednn")
    w = make((16, 16, 3, 3))
    xs = [make((2, 16, 8, 8), seed) for seed in range(4)]
    expected = [engine.conv(x, w, None, CONV) for x in xs]
    found: dict[int, Any] = {}

    def work(i: int) -> None:
        for _ in range(20):
            found[i] = engine.conv(xs[i], w, None, CONV)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for i, y in enumerate(expected):
        np.testing.assert_array_equal(found[i], y)


FORK = """
import os, numpy as np
from netcfg.engines import Conv, Window, get_engine
engine = get_engine("onednn")
conv = Conv(Window((3, 3), (1, 1), (1, 1), (1, 1)))
x, w = np.ones((8, 16, 32, 32), np.float32), np.ones((16, 16, 3, 3), np.float32)
engine.conv(x, w, None, conv)
child = os.fork()
if child == 0:
    os._exit(0 if engine.conv(x, w, None, conv)[0, 0, 1, 1] == 144 else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_computes_and_does_not_hang() -> None:
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK],
        capture_output=True,
        text=True,
        env={**os.environ, "NETCFG_THREADS": "2"},
        timeout=60,
        check=False,
    )
    assert result.stdout == "0\n", result.stderr
