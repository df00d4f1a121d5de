"""Decompression of Snappy, which LevelDB compresses blocks with.

Format: https://github.com/google/snappy/blob/main/format_description.txt.
"""

from netcfg.data.leveldb.coding import BROKEN, read_varint


def decompress(data: bytes) -> bytes:
    """Return what was compressed.

    A block is its length and then elements: bytes as they are, or a distance back and a number of
    bytes to repeat from there, which may reach into what is being written.

    Raises:
        ValueError: the bytes are no Snappy block, or a cut one.
    """
    try:
        length, position = read_varint(data, 0)
        out = _elements(data, position)
    except BROKEN as error:
        raise ValueError("no Snappy block") from error
    if len(out) != length:
        raise ValueError(f"a Snappy block of {len(out)} bytes, not {length}")
    return bytes(out)


def _elements(data: bytes, position: int) -> bytearray:
    out = bytearray()
    end = len(data)
    while position < end:
        tag = data[position]
        kind = tag & 3
        if kind == 0:
            size = (tag >> 2) + 1
            position += 1
            if size > 60:
                start = position + size - 60
                size = int.from_bytes(data[position:start], "little") + 1
                position = start
            out += data[position : position + size]
            position += size
            continue
        if kind == 1:
            size = 4 + (tag >> 2 & 7)
            back = (tag & 224) << 3 | data[position + 1]
            position += 2
        elif kind == 2:
            size = (tag >> 2) + 1
            back = data[position + 1] | data[position + 2] << 8
            position += 3
        else:
            size = (tag >> 2) + 1
            back = int.from_bytes(data[position + 1 : position + 5], "little")
            position += 5
        start = len(out) - back
        if start < 0 or back == 0:
            raise ValueError("a distance beyond the beginning")
        if back >= size:
            out += out[start : start + size]
        else:
            out += (out[start:] * (size // back + 1))[:size]
    if position > end:
        raise ValueError("cut within an element")
    return out
