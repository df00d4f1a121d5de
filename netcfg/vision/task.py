"""What classifiers, detectors and the like share: pictures in, one result for each."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from netcfg.errors import DataError
from netcfg.vision.batch_size import batch_size, together
from netcfg.vision.inputs import Item, of_images
from netcfg.vision.model import Arrays, Model
from netcfg.vision.preprocess import CROPS
from netcfg.vision.stream import Frame, Unreadable, answers

R = TypeVar("R")

Batch: TypeAlias = int | Literal["auto"]
Record: TypeAlias = dict[str, Any]


IMAGE = "image"
"""Name of the column of pictures' names."""

INDEX = "i"
"""Key of the number of a picture in its record, while the run goes on."""

THUMB = "thumb"
"""Key of the thumbnail of a picture, likewise."""

TAKEN = frozenset({IMAGE, INDEX, THUMB})
"""Names that no other part of a record may have."""


@dataclass(frozen=True)
class Column:
    """A column of a table of results.

    Attributes:
        name: of the column; of one of vectors, of the columns of its parts but for their number.
        kind: text, int or float.
        first: number of the first part of a vector.
    """

    name: str
    kind: Literal["text", "int", "float"]
    first: int = 0


class Task(ABC, Generic[R]):
    """Something that a net tells of pictures.

    Args:
        model: the net.
        batch: pictures at once; ``auto`` finds a number by running the net.
        workers: threads that decode; as many as compute where None.

    Attributes:
        columns: of the rows that ``rows`` returns.
    """

    columns: Sequence[Column] = ()

    def __init__(self, model: Model, batch: Batch = "auto", workers: int | None = None) -> None:
        self.model = model
        self._batch = batch
        self._workers = workers

    @abstractmethod
    def results(self, frames: Sequence[Frame], outputs: Arrays) -> list[R]:
        """Return what the net says of each picture of a batch."""

    @abstractmethod
    def record(self, result: R) -> Record:
        """Return a result as JSON has it, but for arrays."""

    @abstractmethod
    def rows(self, record: Record) -> list[Record]:
        """Return the rows of a table that a record becomes, without the picture's name."""

    def identity(self) -> dict[str, str]:
        """Return what decides the results, each as text."""
        return self.model.identity()

    def size(self, pictures: int) -> int:
        """Return how many pictures to show at once, of so many in all."""
        if not pictures:
            return 1
        if self._batch == "auto":
            views = CROPS if self.model.preprocess.oversample else 1
            return batch_size(self.model, pictures, views)
        return self._batch if self._batch == 1 or together(self.model) else 1

    def stream(
        self, items: Sequence[Item], todo: Sequence[int], size: int
    ) -> Iterator[list[tuple[Frame, R] | Unreadable]]:
        """Yield results of the pictures with the indices ``todo``, so many at once."""
        for answer in answers(self.model, items, todo, size, self._workers):
            results = self.results(answer.frames, answer.outputs) if answer.frames else []
            yield [*zip(answer.frames, results, strict=True), *answer.unreadable]

    def predict(self, images: Iterable[Any]) -> list[R]:
        """Return a result for each image.

        Args:
            images: paths, images of Pillow, or arrays as ``pictures.picture_of`` takes them.

        Raises:
            DataError: one cannot be read.
        """
        items, found = of_images(images), []
        for batch in self.stream(items, range(len(items)), self.size(len(items))):
            for one in batch:
                if isinstance(one, Unreadable):
                    raise DataError(f"picture {items[one.index].name}: {one.reason}")
                found.append(one[1])
        return found
