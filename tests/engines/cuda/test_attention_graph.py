"""Graphs of attention: tensors and operations, and with cuDNN the plans, without a card."""

from dataclasses import replace

import pytest

from netcfg.engines.cuda.attention_graph import (
    DK,
    DQ,
    DV,
    DY,
    STATS,
    AttentionSpec,
    K,
    Q,
    V,
    Y,
)
from tests.engines.cuda.frontend import drawn
from tests.engines.cuda.offline import attentions
from tests.engines.cuda.plans import built

QUERIES, KEYS = (2, 3, 4, 8), (2, 3, 6, 8)
STEPS = ((99, 8, 24, 1), (199, 8, 48, 1), (299, 8, 48, 1))


def spec(causal: bool = False, grad: bool = False, queries: int = 4) -> AttentionSpec:
    q = (2, 3, queries, 8)
    return AttentionSpec(q, KEYS, STEPS, "float16", 0.5, causal, grad)


def test_forward() -> None:
    graph = drawn(spec())
    (call,) = graph.calls
    assert (call.name, call.uids) == ("sdpa", {"q": Q, "k": K, "v": V})
    assert (call.given["attn_scale"], call.given["generate_stats"]) == (0.5, True)
    assert "diagonal_band_right_bound" not in call.given
    assert [graph.tensors[uid]["stride"] for uid in (Q, K, V)] == [list(s) for s in STEPS]
    y, stats = graph.written().values()
    assert (y.uid, y.dim, y.stride, y.data_type) == (Y, [2, 3, 4, 8], [96, 8, 24, 1], "HALF")
    assert (stats.uid, stats.dim, stats.stride) == (STATS, [2, 3, 4, 1], [12, 4, 1, 1])
    assert stats.data_type == "FLOAT"


def test_gradients() -> None:
    graph = drawn(spec(grad=True))
    (call,) = graph.calls
    assert call.name == "sdpa_backward"
    assert call.uids == {"q": Q, "k": K, "v": V, "o": Y, "dO": DY, "stats": STATS}
    assert call.given["use_deterministic_algorithm"] is True
    (call,) = drawn(replace(spec(grad=True), deterministic=False)).calls
    assert call.given["use_deterministic_algorithm"] is False
    steps = {uid: t.stride for uid, t in graph.written().items()}
    assert steps == {DQ: [96, 8, 24, 1], DK: [144, 8, 24, 1], DV: [144, 8, 24, 1]}


@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize(("queries", "corner"), [(4, "BOTTOM_RIGHT"), (6, "TOP_LEFT")])
def test_what_is_hidden_is_counted_from_the_last_key(grad: bool, queries: int, corner: str) -> None:
    (call,) = drawn(spec(causal=True, grad=grad, queries=queries)).calls
    assert call.given["diagonal_alignment"] == corner
    assert call.given["diagonal_band_right_bound"] == 0


SPECS = attentions()


@pytest.mark.parametrize("name", SPECS)
def test_cudnn_has_a_plan(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    found = built(tmp_path_factory.getbasetemp())[name]
    assert found.get("plans", 0) > 0, found
    assert found["workspace"] <= 1 << 30
    assert found["arrays"] == sorted((*SPECS[name].inputs, *SPECS[name].outputs))
