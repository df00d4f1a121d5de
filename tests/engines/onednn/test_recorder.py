"""What is noted, what is not, and where blocks of memory go."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netcfg.engines import get_engine
from netcfg.engines.onednn.memory import ALIGNMENT
from netcfg.engines.onednn.recorder import Life, packed

pytest.importorskip("netcfg.engines.onednn.library").load()
LIVES = st.lists(
    st.builds(
        lambda size, first, length: Life(size, first, first + length),
        st.integers(1, 1000),
        st.integers(0, 20),
        st.integers(0, 8),
    ),
    max_size=30,
)


@given(LIVES)
def test_blocks_that_live_together_do_not_overlap(lives: list[Life]) -> None:
    offsets, size = packed(dict(enumerate(lives)))
    ends = [offsets[i] + life.size for i, life in enumerate(lives)]
    assert size >= max(ends, default=0)
    assert all(at % ALIGNMENT == 0 for at in offsets.values())
    for i, a in enumerate(lives):
        for j, b in enumerate(lives[:i]):
            together = a.first <= b.last and b.first <= a.last
            assert not together or ends[i] <= offsets[j] or ends[j] <= offsets[i]


def test_blocks_that_follow_each_other_share_memory() -> None:
    offsets, size = packed({n: Life(640, 2 * n, 2 * n + 1) for n in range(5)})
    assert set(offsets.values()) == {0}
    assert size == 640


def test_notes_operations_and_runs_them_on_other_arrays() -> None:
    engine = get_engine("onednn")
    x = np.linspace(-1, 1, 60, dtype=np.float32).reshape(3, 20)
    recorder = engine.recorder()
    recorder.watch({"x": x}, [])
    y = engine.tanh(engine.relu(x, 0.5))
    recorder.stop()
    calls = recorder.calls([y])
    assert len(calls) == 2
    spot = recorder.spot(y)
    tape = recorder.bind([calls])
    other = -x
    tape.run(0, {"x": other})
    np.testing.assert_allclose(
        tape.array(spot), np.tanh(np.where(other > 0, other, other / 2)), rtol=1e-5
    )


def test_refuses_what_numpy_had_a_hand_in() -> None:
    engine = get_engine("onednn")
    x = np.ones((3, 20), np.float32)
    recorder = engine.recorder()
    recorder.watch({"x": x}, [])
    y = engine.tanh(engine.relu(x, 0) + 1)
    recorder.stop()
    assert recorder.calls([y]) is None
    recorder.watch({"x": x}, [])
    y = engine.relu(x, 0)
    with pytest.raises(ValueError, match="read-only"):
        y += 1
    recorder.stop()
    recorder.watch({"x": x}, [])
    y = engine.relu(x, 0) * 2
    recorder.stop()
    assert recorder.calls([y]) is None
    assert engine.relu(x, 0).flags.writeable
