"""What a feed reads from: an endless, repeatable stream of records."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, TypeAlias

from netcfg.data.datum import Image, Labels, Record

Raw: TypeAlias = Any
"""A record as its source keeps it until it is decoded, with what names it in messages."""


class Source(Protocol):
    """Records by position, over and over; positions count on through the epochs.

    Several threads read and decode at once.
    """

    @property
    def heavy(self) -> bool:
        """Whether decoding a record takes long enough for several threads to be of use."""
        ...

    def __len__(self) -> int:
        """Return how many records there are, before the first comes again."""
        ...

    def read(self, start: int, count: int) -> list[Raw]:
        """Return the records at ``start``, ``start + 1``, …, not decoded yet."""
        ...

    def lend(self, start: int, count: int) -> AbstractContextManager[list[Raw]]:
        """Return what ``read`` does, for use within the context only: nothing need be copied."""
        return nullcontext(self.read(start, count))

    def decode_alike(self, raws: Sequence[Raw]) -> tuple[Image, Labels] | None:
        """Decode all records at once, images (N, C, H, W), labels (N,); None where it cannot."""
        return None

    def decode(self, raw: Raw) -> Record:
        """Return image and label of a record.

        Raises:
            DataError: the record is damaged; the message does not name it.
        """
        ...

    def where(self, raw: Raw) -> str:
        """Name a record in messages."""
        ...

    def close(self) -> None:
        """Close the files."""
        ...
