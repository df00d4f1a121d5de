import struct

import numpy as np
import pytest

from netcfg.errors import WeightsError
from netcfg.io.wire import BYTES, FIXED32, FIXED64, VARINT, Reader, bytes_field, varint


def reader(data: bytes) -> Reader:
    return Reader(data, "f.bin")


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**32, 2**63, 2**64 - 1])
def test_varints_come_back(value: int) -> None:
    (field,) = reader(b"\x08" + varint(value)).fields()
    assert (field.number, field.kind, field.value) == (1, VARINT, value)


def test_negative_numbers_are_twos_complement() -> None:
    (field,) = reader(b"\x08" + varint(2**64 - 5)).fields()
    assert reader(b"").varints(field) == [-5]


def test_packed_and_single_integers() -> None:
    data = bytes_field(1, varint(3) + varint(500)) + b"\x08\x07"
    source = reader(data)
    assert [source.varints(field) for field in source.fields()] == [[3, 500], [7]]


def test_every_kind_of_field_is_passed_over() -> None:
    data = b"\x08\x96\x01" + b"\x11" + bytes(8) + bytes_field(3, b"abc") + b"\x25" + bytes(4)
    kinds = [(f.number, f.kind) for f in reader(data).fields()]
    assert kinds == [(1, VARINT), (2, FIXED64), (3, BYTES), (4, FIXED32)]


def test_packed_floats_are_a_view() -> None:
    values = np.array([1.5, -2, 3e30], "<f4")
    source = reader(bytes_field(5, values.tobytes()))
    (field,) = source.fields()
    got = source.floats(field, "<f4")
    assert got.tolist() == values.tolist()
    assert got.base is not None
    assert not got.flags.owndata


@pytest.mark.parametrize(("tag", "form", "dtype"), [(b"\x2d", "<f", "<f4"), (b"\x41", "<d", "<f8")])
def test_floats_one_by_one_are_one_run(tag: bytes, form: str, dtype: str) -> None:
    # values whose first byte equals the tag must not be taken for tags
    values = [1.0, 2.5, struct.unpack(form, (tag * 8)[: struct.calcsize(form)])[0], -7.0]
    data = b"".join(tag + struct.pack(form, v) for v in values) + b"\x08\x01"
    source = reader(data)
    run, last = source.fields()
    assert run.count == 4
    assert source.floats(run, dtype).tolist() == values
    assert last.value == 1


def test_floats_with_a_long_tag() -> None:
    tag = varint(1000 << 3 | FIXED32)
    source = reader(b"".join(tag + struct.pack("<f", v) for v in (1.0, 2.0)))
    (run,) = source.fields()
    assert source.floats(run, "<f4").tolist() == [1, 2]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x0a\x05ab", "byte 0: cut off or damaged: 5 bytes are declared, 2 are there"),
        (b"\x08\x01\x0a", "byte 3: cut off or damaged: the data end within a number"),
        (b"\x08" + b"\xff" * 11, "byte 1: damaged: a number is longer than 64 bits"),
        (b"\x0b", "byte 0: damaged: no wire type 3"),
        (b"\x00\x01", "byte 0: damaged: there is no field number 0"),
        (b"\x0d\x01\x02", "byte 0: cut off or damaged: 4 bytes are declared, 2 are there"),
    ],
)
def test_damage_is_named_with_its_place(data: bytes, message: str) -> None:
    with pytest.raises(WeightsError) as caught:
        list(reader(data).fields())
    assert str(caught.value).startswith(f"f.bin: {message}")


def test_wrong_kinds_are_refused() -> None:
    source = reader(b"\x08\x01" + bytes_field(2, b"abc"))
    number, text = source.fields()
    with pytest.raises(WeightsError, match="byte 0: field 1 has wire type 0, expected 2"):
        source.text(number)
    with pytest.raises(WeightsError, match="3 bytes are not whole 4-byte numbers"):
        source.floats(text, "<f4")


def test_a_declared_size_allocates_nothing() -> None:
    huge = b"\x0a" + varint(1 << 60)
    with pytest.raises(WeightsError, match="are declared"):
        list(reader(huge).fields())
