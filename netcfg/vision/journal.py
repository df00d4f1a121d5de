"""What a run has done so far, in a file that grows line by line and outlives a kill.

The first line says what is being done, each other one holds the record of a picture. A last line
that was cut off is dropped. One process writes at a time.
"""

import base64
import contextlib
import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from netcfg.errors import NetError
from netcfg.vision.task import INDEX

ENDING = ".journal"


class Journal:
    """Records by the number of their picture.

    Args:
        path: of the file.
        identity: what decides the records; must be that of the file, if there is one.
        restart: forget what is there.

    Raises:
        NetError: the file belongs to another run, or to one that still runs.
    """

    def __init__(self, path: Path, identity: Mapping[str, str], *, restart: bool = False) -> None:
        self.path = path
        self._places: dict[int, int] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = open(path, "a+b")  # noqa: SIM115 - closed by ``close``
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise NetError(f"'{path}': another run is writing it") from None
        except OSError as error:
            raise NetError(f"cannot write '{path}': {error.strerror}") from error
        try:
            self._begin({"netcfg": dict(identity)}, restart)
        except BaseException:
            self._file.close()
            raise

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, index: int) -> bool:
        return index in self._places

    def _begin(self, head: dict[str, Any], restart: bool) -> None:
        if restart:
            self._file.truncate(0)
        self._file.seek(0)
        first = self._file.readline()
        if not first.endswith(b"\n"):  # new, or killed before anything was done
            self._file.truncate(0)
            self._write(json.dumps(head).encode() + b"\n")
            return
        self._check(first, head["netcfg"])
        place = len(first)
        for line in self._file:
            record = _parsed(line)
            if record is None:
                break
            self._places[record[INDEX]] = place
            place += len(line)
        self._file.truncate(place)

    def _check(self, line: bytes, identity: Mapping[str, str]) -> None:
        try:
            known = json.loads(line)["netcfg"]
            other = [key for key in {**known, **identity} if known.get(key) != identity.get(key)]
        except (ValueError, KeyError, TypeError):
            raise NetError(f"'{self.path}' is no journal of netcfg; move it away") from None
        if other:
            raise NetError(
                f"'{self.path}' is of a run with other {', '.join(other)}; give what was given "
                "then to go on with it, or --restart to begin again"
            )

    def add(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Add records; each has the number of its picture under ``INDEX``."""
        self._file.seek(0, os.SEEK_END)
        place, lines = self._file.tell(), []
        for record in records:
            lines.append(json.dumps(record, default=_pack).encode() + b"\n")
            self._places[record[INDEX]] = place
            place += len(lines[-1])
        self._write(b"".join(lines))

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise NetError(f"cannot write '{self.path}': {error.strerror}") from error

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the records in the order of their pictures."""
        for index in sorted(self._places):
            self._file.seek(self._places[index])
            yield json.loads(self._file.readline(), object_hook=_unpack)

    def close(self) -> None:
        """Let other runs have the file."""
        with contextlib.suppress(OSError):  # what could not be written was told when it was added
            self._file.close()

    def remove(self) -> None:
        """Delete the file: its work is done."""
        self.path.unlink(missing_ok=True)
        self.close()


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Return the record of a line; None where it was cut off or damaged."""
    if not line.endswith(b"\n"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and isinstance(record.get(INDEX), int) else None


def _pack(value: Any) -> Any:
    """Return an array of floats as JSON has it."""
    array = np.ascontiguousarray(value, "<f4")
    return {"f4": base64.b64encode(array.tobytes()).decode(), "shape": array.shape}


def _unpack(value: dict[str, Any]) -> Any:
    if value.keys() != {"f4", "shape"}:
        return value
    floats = np.frombuffer(base64.b64decode(value["f4"]), "<f4")
    return floats.reshape(value["shape"])
