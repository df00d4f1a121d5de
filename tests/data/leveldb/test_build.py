from itertools import chain
from math import inf
from pathlib import Path

from netcfg.data.leveldb.build import BLOCK, write_table
from netcfg.data.leveldb.coding import PUT, entry_key
from netcfg.data.leveldb.table import Entry, Table

ENTRIES = [(entry_key(b"%04d" % i, i, PUT), bytes([i]) * 20000) for i in range(20)]


def held(folder: Path, number: int) -> list[list[Entry]]:
    path = folder / f"{number:06d}.ldb"
    table = Table(path, path.stat().st_size)
    return [table.block(i) for i in range(len(table))]


def test_a_table(tmp_path: Path) -> None:
    file = write_table(tmp_path, 3, iter(ENTRIES), inf)
    assert file is not None
    assert (file.number, file.first, file.last) == (3, ENTRIES[0][0], ENTRIES[-1][0])
    assert file.size == (tmp_path / "000003.ldb").stat().st_size
    blocks = held(tmp_path, 3)
    assert list(chain(*blocks)) == ENTRIES
    assert {len(block) for block in blocks} == {BLOCK // 20000 + 1}


def test_a_table_ends_at_its_limit(tmp_path: Path) -> None:
    entries = iter(ENTRIES)
    sizes = []
    while file := write_table(tmp_path, len(sizes) + 1, entries, 150000):
        sizes.append(file.size)
    assert len(sizes) == 3
    assert all(150000 < size < 175000 for size in sizes[:2])
    assert list(chain(*(chain(*held(tmp_path, n)) for n in (1, 2, 3)))) == ENTRIES
    assert not (tmp_path / "000004.ldb").exists()


def test_a_value_larger_than_a_block(tmp_path: Path) -> None:
    entry = (entry_key(b"", 1, PUT), bytes(range(256)) * 4000)
    write_table(tmp_path, 1, iter([entry]), inf)
    assert held(tmp_path, 1) == [[entry]]
