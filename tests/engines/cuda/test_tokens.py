"""Rows and attention: what cuDNN is given, what is kept, and what is done without it."""

from typing import Any

import numpy as np
import pytest

from netcfg.engines import Engine
from netcfg.engines.cuda.attention_graph import AttentionSpec
from netcfg.engines.cuda.engine import Cuda
from netcfg.engines.cuda.norm_graph import NormSpec
from tests.engines.cuda.cards import back, close, there
from tests.engines.cuda.fake import FakeGraphs, engine

RNG = np.random.default_rng(0)
ROWS, DROWS = (RNG.normal(2, 3, (6, 24)).astype(np.float32) for _ in range(2))
W, B = (RNG.normal(size=24).astype(np.float32) for _ in range(2))
N, H, L, S, D = 2, 3, 4, 6, 8


def layer(e: Any, x: Any, dy: Any, b: Any = B) -> tuple[Any, ...]:
    y, kept = e.layer_norm(x, W, b, 1e-3)
    return y, *e.layer_norm_grad(dy, W, kept)


def rms(e: Any, x: Any, dy: Any) -> tuple[Any, ...]:
    y, kept = e.rms_norm(x, W, 1e-3)
    return y, *e.rms_norm_grad(dy, W, kept)


@pytest.mark.parametrize("refused", [(), ("grad",), ("layer", "rms")])
@pytest.mark.parametrize("norm", [layer, rms])
def test_rows_by_cudnn_or_without_it(norm: Any, refused: Any) -> None:
    e = engine()
    e.device.graphs = FakeGraphs(refused)
    close(norm(e, ROWS, DROWS), norm(Engine(), ROWS, DROWS))
    assert [s.grad for s in e.device.graphs.specs] == [False, True][: 2 - len(refused)]
    assert all(s.x == (6, 24, 1, 1) for s in e.device.graphs.specs)


def test_rows_without_shift_or_graphs_or_in_float64() -> None:
    wanted = layer(Engine(), ROWS, DROWS, None)
    close(layer(engine(), ROWS, DROWS, None), wanted)
    close(layer(engine(graphs=False), ROWS, DROWS, None), wanted)
    e, wide = engine(np.float64), [x.astype(np.float64) for x in (ROWS, DROWS)]
    close(rms(e, *wide), rms(Engine(np.float64), *wide), 1e-13)
    assert e.device.graphs.specs == []


@pytest.mark.parametrize("refused", [(), ("grad",), ("layer", "rms")])
@pytest.mark.parametrize("norm", [layer, rms])
@pytest.mark.parametrize("storage", ["float16", "bfloat16"])
def test_16_bit_rows_have_wide_statistics(norm: Any, refused: Any, storage: str) -> None:
    e = engine(storage=storage)
    e.device.graphs = FakeGraphs(refused)
    x, dy = ROWS.astype(e.store), DROWS.astype(e.store)
    made = norm(e, x, dy)
    assert [a.dtype for a in made[:2]] == [e.store] * 2
    assert all(a.dtype == np.float32 for a in made[2:])
    close(made, norm(Engine(), x.astype(np.float32), dy.astype(np.float32)), 2e-2)


def heads(storage: str, cut: bool = True) -> tuple[Any, list[Any], Any]:
    """Return an engine, q, k and v cut out of rows, and the gradient of the result."""
    e = engine(storage=storage)
    rows = RNG.normal(size=(N, S, 3, H, D)).astype(e.store if cut else np.float32)
    q, k, v = (rows[:, :, i].swapaxes(1, 2) for i in range(3))
    return e, [q[:, :, :L], k, v], RNG.normal(size=(N, H, L, D)).astype(e.store)


def attended(e: Any, given: list[Any], dy: Any, causal: bool) -> tuple[Any, ...]:
    y, kept = e.attention(*given, 0.3, causal)
    return y, *e.attention_grad(dy, kept)


def wide(*arrays: Any) -> list[Any]:
    return [a.astype(np.float64) for a in arrays]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("storage", ["float16", "bfloat16"])
def test_heads_are_read_where_they_lie(storage: str, causal: bool) -> None:
    e, given, dy = heads(storage)
    made = attended(e, given, dy, causal)
    close(made, attended(Engine(np.float64), wide(*given), wide(dy)[0], causal), 3e-2)
    forward, backward = e.device.graphs.specs
    assert isinstance(forward, AttentionSpec)
    assert forward.steps == ((3 * S * H * D, D, 3 * H * D, 1),) * 3
    assert (forward.grad, backward.grad, forward.causal) == (False, True, causal)
    for a in made:
        assert a.dtype == e.store
        assert a.swapaxes(1, 2).flags.c_contiguous  # heads are merged without moving anything


def test_heads_in_float32_are_rounded_first() -> None:
    e, given, dy = heads("float16", cut=False)
    made = attended(e, given, dy.astype(np.float32), False)
    close(made, attended(Engine(np.float64), wide(*given), wide(dy)[0], False), 1e-2)
    assert [s.dtype for s in e.device.graphs.specs] == ["float16"] * 2
    assert e.device.graphs.specs[0].steps[0] == (L * H * D, D, H * D, 1)


def test_heads_that_cannot_be_read_in_16_bytes_are_moved() -> None:
    e, given, dy = heads("float16")
    memory = np.empty(given[1].size + 1, np.float16)
    odd = memory[1:].reshape(given[1].shape)
    odd[...] = given[1]
    assert odd.ctypes.data % 16
    made = attended(e, [given[0], odd, given[2]], dy, False)
    close(made, attended(Engine(np.float64), wide(*given), wide(dy)[0], False), 1e-2)
    assert e.device.graphs.specs[0].steps[1] == (S * H * D, D, H * D, 1)


def test_gradients_without_a_plan_are_computed_anew() -> None:
    e, given, dy = heads("float16")
    e.device.graphs = FakeGraphs(("grad",))
    made = attended(e, given, dy, True)
    close(made, attended(Engine(np.float64), wide(*given), wide(dy)[0], True), 1e-2)
    assert [s.grad for s in e.device.graphs.specs] == [False]


def test_gradients_that_are_wide_are_computed_anew() -> None:
    e, given, dy = heads("float16")
    e = Cuda(np.float32, "float16", device=e.device, gradients="float32")
    made = attended(e, given, dy.astype(np.float32), False)
    close(made, attended(Engine(np.float64), wide(*given), wide(dy)[0], False), 1e-2)
    assert [s.grad for s in e.device.graphs.specs] == [False]
    assert made[3].dtype == np.float32


@pytest.mark.parametrize(
    "options", [{"storage": "tf32"}, {"storage": "float16", "graphs": False}, {"odd": True}]
)
def test_attention_without_cudnn(options: dict[str, Any]) -> None:
    features = 5 if options.pop("odd", False) else 8
    e = engine(**{"storage": "float16", **options})
    given = [RNG.normal(size=(N, H, n, features)).astype(e.store) for n in (L, S, S)]
    dy = RNG.normal(size=given[0].shape).astype(e.store)
    tolerance = 1e-5 if e.store == np.float32 else 1e-2
    made = attended(e, given, dy, False)
    close(made, attended(Engine(np.float64), wide(*given), wide(dy)[0], False), tolerance)
    assert e.device.graphs is None or e.device.graphs.specs == []


@pytest.mark.gpu
@pytest.mark.parametrize("card", ["float16", "bfloat16"], indirect=True)
@pytest.mark.parametrize("causal", [False, True])
def test_attention_on_a_card(card: Any, causal: bool) -> None:
    given = [RNG.normal(size=(2, 4, n, 64)) for n in (33, 50, 50)]
    dy = RNG.normal(size=given[0].shape)
    made = back(card, attended(card, there(card, *given), there(card, dy)[0], causal))
    close(made, attended(Engine(np.float64), given, dy, causal), 5e-2)
    assert [s.grad for s in card.device.graphs.done] == [False, True]


@pytest.mark.gpu
@pytest.mark.parametrize("card", ["float32", "float16", "bfloat16"], indirect=True)
@pytest.mark.parametrize("kind", ["layer", "rms"])
def test_rows_on_a_card(card: Any, kind: str) -> None:
    x, dy = (RNG.normal(1, 2, (300, 768)) for _ in range(2))
    w, b = (RNG.normal(size=768) for _ in range(2))

    def passes(e: Any, x: Any, dy: Any, w: Any, b: Any) -> tuple[Any, ...]:
        if kind == "layer":
            y, kept = e.layer_norm(x, w, b, 1e-5)
            return y, *e.layer_norm_grad(dy, w, kept)
        y, kept = e.rms_norm(x, w, 1e-5)
        return y, *e.rms_norm_grad(dy, w, kept)

    vectors = [card.xp.asarray(v.astype(np.float32)) for v in (w, b)]
    made = back(card, passes(card, *there(card, x, dy), *vectors))
    tolerance = 3e-5 if card.store == np.float32 else 3e-2
    close(made, passes(Engine(np.float64), x, dy, w, b), tolerance)
    assert [(s.kind, s.grad) for s in card.device.graphs.done] == [(kind, False), (kind, True)]
    assert all(isinstance(s, NormSpec) for s in card.device.graphs.done)
