"""The shapes of a net's blobs as far as they follow without weights, and without data not there."""

from collections.abc import Iterable

from netcfg.engines.base import Engine
from netcfg.errors import NetError
from netcfg.layer import Context, Layer, as_shapes, registry
from netcfg.netcfg_pb2 import FillerParameter, LayerParameter
from netcfg.types import Phase, Shape, Shapes


def infer_shapes(layers: Iterable[LayerParameter], phase: Phase) -> list[Shapes]:
    """Return for each layer the shapes of its tops, ``()`` where they are not known.

    They are not where a layer is of an unknown type, is wrong, misses its data, or reads a blob of
    unknown shape.

    Args:
        layers: upgraded and filtered by phase.
        phase: of the net.
    """
    context = Context(Engine(), phase)
    built: list[Layer] = []
    known: dict[str, Shape] = {}
    found: list[Shapes] = []
    try:
        for config in layers:
            tops = _tops(config, context, known, built)
            for name in config.top:
                known.pop(name, None)
            known.update(zip(config.top, tops, strict=False))
            found.append(tops)
    finally:
        for layer in built:
            layer.close()
    return found


def _tops(
    config: LayerParameter, context: Context, known: dict[str, Shape], built: list[Layer]
) -> Shapes:
    cls = registry.get(config.type)
    if cls is None or any(name not in known for name in config.bottom):
        return ()
    bottoms = tuple(known[name] for name in config.bottom)
    count = max(len(config.top), cls.tops[0] if cls.auto_tops else 0)
    try:
        layer = cls(_unfilled(config), context, count)
        built.append(layer)
        layer.setup(*bottoms)
        return as_shapes(layer.reshape(*bottoms), count)
    except NetError:
        return ()


def _unfilled(config: LayerParameter) -> LayerParameter:
    """Return a layer whose parameters begin at zero, which costs no time however many they are."""
    plain = LayerParameter()
    plain.CopyFrom(config)
    for field, block in plain.ListFields():
        # What DummyData writes is no parameter, and its fillers tell how many shapes it has.
        if field.name.endswith("_param") and field.name != "dummy_data_param":
            for inner, _ in block.ListFields():
                if inner.message_type is FillerParameter.DESCRIPTOR:
                    block.ClearField(inner.name)
    return plain
