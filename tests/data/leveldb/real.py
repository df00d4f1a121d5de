"""A database that LevelDB itself made, with all that a reader may meet.

``real.zip`` holds it, so that no test needs LevelDB: overlapping tables on two levels, Snappy
blocks of 1 KB, larger ones and ones that did not shrink, overwritten and deleted keys, and a log.
"""

import random
import shutil
from pathlib import Path
from typing import Any

Content = dict[bytes, bytes]

ROUNDS = 5
"""How often the database is opened and changed."""


def value(i: int, round_: int) -> bytes:
    """Return a value: every eleventh takes several blocks and cannot be compressed."""
    if i % 11 == 0:
        return random.Random(1000 * round_ + i).randbytes(1500)
    return b"%d of %d, " % (i, round_) * (i % 40)


def changes(round_: int) -> list[tuple[bytes, bytes | None]]:
    """Return what a round puts or, with None, deletes: others each time."""
    keys = range(round_, 120, round_ + 1)
    return [(b"key%04d" % i, None if i % 5 == round_ else value(i, round_)) for i in keys]


def content() -> Content:
    """Return what the database holds in the end."""
    held: Content = {}
    for round_ in range(ROUNDS):
        for key, new in changes(round_):
            held.pop(key, None) if new is None else held.update({key: new})
    return dict(sorted(held.items()))


def make(plyvel: Any, folder: Path) -> None:
    """Let LevelDB make the database; each time it is opened, it turns its log into a table."""
    for round_ in range(ROUNDS):
        with plyvel.DB(str(folder), create_if_missing=True, block_size=1024) as db:
            with db.write_batch() as batch:
                for key, new in changes(round_)[::2]:
                    batch.delete(key) if new is None else batch.put(key, new)
            for key, new in changes(round_)[1::2]:
                db.delete(key) if new is None else db.put(key, new)
            if round_ == 1:
                db.compact_range(start=b"key", stop=b"key9")


def unpack(folder: Path) -> Path:
    """Unpack ``real.zip``."""
    shutil.unpack_archive(Path(__file__).with_name("real.zip"), folder)
    return folder
