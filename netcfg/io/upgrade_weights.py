"""Weights files of old ages → .caffemodel files as Caffe writes them today.

Only what layers say about themselves is read through the schema. Blobs are not: on their way
through the upgrade each is an empty message that carries its number, and in the end its bytes take
its place again, as they were.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from google.protobuf.message import DecodeError

from netcfg.errors import SchemaError, WeightsError
from netcfg.forks import Finding
from netcfg.io.caffemodel import (
    CURRENT,
    NET_LAYER,
    NET_LAYERS,
    NET_NAME,
    V0,
    V1,
    V1_NESTED_V0,
    Numbers,
    decode_weights,
    read_bytes,
)
from netcfg.io.files import write_whole
from netcfg.io.wire import Data, Field, Reader, bytes_field, header
from netcfg.netcfg_pb2 import BlobProto, LayerParameter, NetParameter, Source, V1LayerParameter
from netcfg.upgrade import upgrade_net

L = TypeVar("L", LayerParameter, V1LayerParameter)

STABLE: dict[Numbers, frozenset[int]] = {
    CURRENT: frozenset({1, 2, 3, 4, 7}),
    V1: frozenset({V1_NESTED_V0, 2, 3, 4, 5, 6}),
    V0: frozenset({1, 2, 50}),
}
"""Fields that mean the same in every fork: name, type, bottoms, tops and blobs."""

_NOWHERE = ":0:0"
"""How a place ends that has neither line nor column."""


def upgrade_weights(path: str | Path, out: str | Path) -> tuple[bool, tuple[Finding, ...]]:
    """Write a .caffemodel of any age as a current one, whole or not at all.

    The bytes of all blobs stay as they are. A file that needs no upgrade is copied.

    Returns:
        Whether anything was upgraded, and what was, with what had to be left out.

    Raises:
        WeightsError: the file is missing, damaged or not a .caffemodel.
        SchemaError: it mixes ages, or what it says has no meaning today.
        NetError: ``out`` cannot be written.
    """
    data = read_bytes(path)
    decode_weights(data, str(path))  # every layer and blob is whole
    reader = Reader(data, str(path))
    blobs: list[Field] = []
    try:
        net, lost = _read(reader, blobs)
        upgraded, notes = upgrade_net(net)
    except SchemaError as error:
        raise SchemaError(str(error).replace(f"{_NOWHERE}: ", ": ")) from None
    except UnicodeDecodeError as error:
        shown = error.object.decode("utf-8", "backslashreplace")
        raise WeightsError(f"'{path}' holds a name that is not UTF-8: '{shown}'") from None
    changed = upgraded != net
    with write_whole(out) as file:
        for piece in _encode(upgraded, data, blobs) if changed else [data]:
            file.write(piece)
    if not changed:
        return False, ()
    return True, tuple(replace(f, where=f.where.removesuffix(_NOWHERE)) for f in (*lost, *notes))


def _read(reader: Reader, blobs: list[Field]) -> tuple[NetParameter, list[Finding]]:
    """Return the net of a file with numbers for its blobs, which go to ``blobs``."""
    findings: list[Finding] = []
    own, old, current = [], [], []
    for item in reader.fields():
        if item.number == NET_LAYER:
            current.append(_layer(reader, item, CURRENT, LayerParameter, blobs, findings))
        elif item.number == NET_LAYERS:
            old.append(_layer(reader, item, V1, V1LayerParameter, blobs, findings))
        else:
            own.append((item.number, reader.data[item.at : item.end]))
    net = NetParameter()
    try:
        net.MergeFromString(b"".join(piece for _, piece in own))
    except DecodeError:
        net.Clear()
        net.MergeFromString(b"".join(piece for number, piece in own if number == NET_NAME))
        findings.append(_left_out(reader.path, "the net"))
    net.source.CopyFrom(Source(file=reader.path))
    net.layer.extend(current)
    net.layers.extend(old)
    return net, findings


def _layer(
    reader: Reader,
    at: Field,
    numbers: Numbers,
    message_class: type[L],
    blobs: list[Field],
    findings: list[Finding],
) -> L:
    first = len(blobs)
    layer = message_class()
    try:
        layer.MergeFromString(_settings(reader, at, numbers, blobs))
        lost = False
    except DecodeError:
        layer.Clear()
        del blobs[first:]
        layer.MergeFromString(_settings(reader, at, numbers, blobs, only=STABLE))
        lost = True
    where = f"{reader.path}: layer '{_name(layer)}'"
    layer.source.CopyFrom(Source(file=where))
    if lost:
        findings.append(_left_out(where, "the layer"))
    if isinstance(layer, V1LayerParameter) and not layer.HasField("layer"):
        findings += _keep_type(reader, at, layer)
    return layer


def _settings(
    reader: Reader,
    at: Field,
    numbers: Numbers,
    blobs: list[Field],
    only: dict[Numbers, frozenset[int]] | None = None,
) -> bytes:
    """Return the bytes of a layer with numbers for its blobs, which go to ``blobs``."""
    pieces: list[Data] = []
    for item in reader.fields(at.start, at.end):
        if item.number == numbers.blobs:
            pieces.append(bytes_field(item.number, BlobProto(num=len(blobs)).SerializeToString()))
            blobs.append(item)
        elif numbers is V1 and item.number == V1_NESTED_V0:
            pieces.append(bytes_field(item.number, _settings(reader, item, V0, blobs, only)))
        elif only is None or item.number in only[numbers]:
            pieces.append(reader.data[item.at : item.end])
    return b"".join(pieces)


def _keep_type(reader: Reader, at: Field, layer: V1LayerParameter) -> Iterator[Finding]:
    """Let the number of a fork's V1 type be the type: protobuf drops what is not in the enum."""
    known = V1LayerParameter.LayerType.DESCRIPTOR.values_by_number
    for item in reader.fields(at.start, at.end):
        if item.number == V1.type and item.value not in known:
            layer.unknown.add(path="type", text=f'"{item.value}"', source=layer.source)
            message = f"V1 type {item.value} is a fork's; write its name in place of the number"
            yield Finding("warning", layer.source.file, message)


def _name(layer: LayerParameter | V1LayerParameter) -> str:
    nested = isinstance(layer, V1LayerParameter) and layer.HasField("layer")
    return layer.layer.name if nested else layer.name  # type: ignore[union-attr]


def _left_out(where: str, what: str) -> Finding:
    return Finding("warning", where, f"settings of {what} cannot be read and are left out")


def _encode(net: NetParameter, data: Data, blobs: Sequence[Field]) -> Iterator[bytes | memoryview]:
    """Yield the bytes of a net, each blob as it was."""
    layers = list(net.layer)
    for field in ("layer", "source", "unknown"):
        net.ClearField(field)
    yield net.SerializeToString()
    view = memoryview(data)
    for layer in layers:
        own = [blobs[blob.num] for blob in layer.blobs]
        for field in ("blobs", "source", "unknown"):
            layer.ClearField(field)
        head = layer.SerializeToString()
        heads = [header(CURRENT.blobs, blob.end - blob.start) for blob in own]
        size = len(head) + sum(map(len, heads)) + sum(blob.end - blob.start for blob in own)
        yield header(NET_LAYER, size) + head
        for front, blob in zip(heads, own, strict=True):
            yield front
            yield view[blob.start : blob.end]
