"""A task over many pictures, with a result file; what was interrupted goes on where it stood."""

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from netcfg.engines import threads
from netcfg.errors import DataError, NetError
from netcfg.io.files import write_whole
from netcfg.vision.gallery import Gallery, gallery, stem_of
from netcfg.vision.inputs import Item
from netcfg.vision.journal import ENDING, Journal
from netcfg.vision.results import check_columns, check_ending, write_results
from netcfg.vision.stream import Frame, Unreadable
from netcfg.vision.task import IMAGE, INDEX, THUMB, Column, Record, Task

REPORT = ".unreadable.txt"
"""Ending, after that of the results, of the file that names unreadable pictures."""


def on_one_line(name: str) -> str:
    r"""Return a name whose control characters are written out.

    >>> on_one_line("a\nb\tc")
    'a\\nb\\tc'
    """
    return re.sub(r"[\x00-\x1f\x7f]", lambda match: repr(match[0])[1:-1], name)


@dataclass(frozen=True)
class Report:
    """What a run did.

    Attributes:
        pictures: that the results hold.
        before: how many of them were done when the run began.
        unreadable: name and reason of each picture that is left out.
        seconds: that the others took.
    """

    pictures: int
    before: int
    unreadable: list[tuple[str, str]]
    seconds: float


class Job:
    """A run of a task over pictures.

    Args:
        task: what is asked.
        items: the pictures.
        out: file of the results; its ending says the format.
        pictures: folder for pictures of the results; None for none.
        restart: begin again, whatever is there.

    Raises:
        NetError: the results are there already, or another run has begun them.
    """

    def __init__(
        self,
        task: Task[Any],
        items: Sequence[Item],
        out: Path,
        *,
        pictures: Path | None = None,
        restart: bool = False,
    ) -> None:
        check_ending(out)
        self._columns = [Column(IMAGE, "text"), *task.columns]
        check_columns(out, self._columns)
        self._task, self._items, self._out = task, items, out
        if pictures is not None and pictures.exists() and not pictures.is_dir():
            raise NetError(f"'{pictures}' is a file; pictures need a folder")
        self._gallery: Gallery | None = gallery(task, pictures) if pictures else None
        path = out.with_name(out.name + ENDING)
        if out.exists() and not path.exists() and not restart:
            raise NetError(f"'{out}' is there already; --restart replaces it")
        self._journal = Journal(path, self._identity(), restart=restart)
        self.before = len(self._journal)

    def _identity(self) -> dict[str, str]:
        """Return what decides the results, each as text."""
        names = hashlib.sha256()
        for item in self._items:
            names.update(item.name.encode("utf-8", "surrogateescape") + b"\0")
        folder = str(self._gallery.folder.resolve()) if self._gallery else ""
        return {
            "command": type(self._task).__name__,
            "inputs": f"{len(self._items)} {names.hexdigest()}",
            "pictures": folder,
            **self._task.identity(),
        }

    @property
    def left(self) -> int:
        """How many pictures are still to be done."""
        return len(self._items) - self.before

    def run(
        self,
        on_error: Literal["skip", "stop"] = "skip",
        on_pictures: Callable[[int], None] = lambda n: None,
    ) -> Report:
        """Do what is left, and write the results.

        Args:
            on_error: whether a picture that cannot be read is left out or ends the run.
            on_pictures: told how many more are done.

        Raises:
            DataError: a picture cannot be read, and that ends the run.
        """
        unreadable: list[tuple[str, str]] = []
        with closing(self._journal):
            todo = [i for i in range(len(self._items)) if i not in self._journal]
            size = self._task.size(len(todo))
            start = time.perf_counter()
            for batch in self._task.stream(self._items, todo, size):
                self._keep([one for one in batch if not isinstance(one, Unreadable)])
                for one in batch:
                    if isinstance(one, Unreadable):
                        unreadable.append((on_one_line(self._items[one.index].name), one.reason))
                if unreadable and on_error == "stop":
                    name, reason = unreadable[0]
                    raise DataError(f"picture '{name}': {reason}; --on-error skip passes over it")
                on_pictures(len(batch))
            seconds = time.perf_counter() - start
            self._finish(unreadable)
            return Report(len(self._journal), self.before, unreadable, seconds)

    def _keep(self, found: Sequence[tuple[Frame, Any]]) -> None:
        """Write pictures of results, then their records."""
        more: list[Record] = [{} for _ in found]
        if self._gallery is not None:
            more = threads.run(np, self._show, found)
        self._journal.add(
            {INDEX: frame.index, IMAGE: self._items[frame.index].name}
            | self._task.record(result)
            | shown
            for (frame, result), shown in zip(found, more, strict=True)
        )

    def _show(self, found: tuple[Frame, Any]) -> Record:
        assert self._gallery is not None  # noqa: S101
        frame, result = found
        item = self._items[frame.index]
        return self._gallery.show(item.picture(), result, stem_of(frame.index, item.name))

    def _finish(self, unreadable: Sequence[tuple[str, str]]) -> None:
        write_results(self._out, self._columns, self._rows, self._records)
        if self._gallery is not None:
            self._gallery.finish(self._journal.records(), len(self._journal))
        report = self._out.with_name(self._out.name + REPORT)
        if not unreadable:
            report.unlink(missing_ok=True)
            self._journal.remove()
            return
        with write_whole(report) as file:
            for name, reason in unreadable:
                file.write(f"{name}\t{reason}\n".encode("utf-8", "surrogateescape"))

    def _records(self) -> Iterator[Record]:
        for record in self._journal.records():
            yield {key: value for key, value in record.items() if key not in (INDEX, THUMB)}

    def _rows(self) -> Iterator[Record]:
        for record in self._journal.records():
            for row in self._task.rows(record):
                yield {IMAGE: record[IMAGE], **row}
