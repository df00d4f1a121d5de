"""The list of layer types and their descriptions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from netcfg.cli.layers import describe, list_types
from netcfg.layer import Layer, registry
from netcfg.table import WIDTH
from tests.cli.conftest import Run


def test_list(run: Run) -> None:
    result = run("layers")
    assert result.status == 0
    lines = result.out.splitlines()
    family = lines.index("inner product")
    assert lines[family + 1].split()[0] == "InnerProduct"
    listed = {line.split()[0] for line in lines if line.startswith("  ")}
    assert listed >= set(registry)
    assert all(len(line) <= WIDTH for line in lines)


def test_description(run: Run) -> None:
    result = run("layers", "Pooling")
    assert result.status == 0
    assert result.out.startswith("Pooling (layers.pooling)\n")
    assert "bottoms: 1   tops: 1 to 2" in result.out
    assert "\npooling_param\n" in result.out
    assert "\n  kernel_size: uint32\n" in result.out
    assert " = MAX\n" in result.out


def test_every_type_can_be_described() -> None:
    for cls in registry.values():
        assert describe(cls).startswith(cls.type)


def test_unknown_type(run: Run) -> None:
    result = run("layers", "Poling")
    assert result.status == 2
    assert "unknown layer type 'Poling'; did you mean 'Pooling'?" in result.err


def test_types_from_outside(run: Run, folder: Path) -> None:
    (folder / "shop.py").write_text(
        "from netcfg import Layer, register\n"
        '@register("Swirl")\nclass Swirl(Layer):\n    """Turn around.\n\n    y = -x\n    """\n'
        '    own_fields = {"swirl_param": {"angle": 1.0}}\n'
    )
    assert "Swirl" in run("layers", "--import", "shop").out
    described = run("layers", "Swirl", "--import", "shop.py").out
    assert "Swirl (shop)\n\n  Turn around.\n\n  y = -x\n" in described
    assert "swirl_param\n  angle = 1.0\n" in described


def test_type_without_words() -> None:
    class Mute(Layer):
        type = "Mute"
        reads = ("loss_weight",)
        own_fields: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    Mute.__doc__ = None
    assert "loss_weight: repeated float" in describe(Mute)
    assert "Mute" in list_types([Mute])
