"""Lists of images with a file of annotations each, for databases of AnnotatedDatum records."""

import re
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from netcfg.data.annotated import encode_annotated
from netcfg.data.annotation_files import read_objects
from netcfg.data.draws import Draws
from netcfg.data.image_list import ImageList, join_root
from netcfg.errors import DataError
from netcfg.io.image import FORMATS, UNREADABLE
from netcfg.netcfg_pb2 import Datum

LINE = re.compile(r"(?P<path>.*\S)[ \t]+(?P<label>\S+)")


class AnnotationList(ImageList):
    """Images named by a text file, ``image annotations`` a line; images' paths may hold spaces.

    Args:
        path: the text file.
        labels: numbers of classes by name.
        root: put in front of both paths.
        color: 3 channels or 1.
        size: height and width that images are resized to, if any; boxes are shares and stay.
        shuffle: gives the list another order.
        kind: of the annotations, ``xml``, ``json`` or ``txt``; by the file's ending where empty.

    Raises:
        DataError: the list is empty or a line has no two paths.
    """

    line = LINE
    needs = "the path of an image, a space and the path of its annotations"

    def __init__(
        self,
        path: Path,
        labels: Mapping[str, int],
        *,
        root: str = "",
        color: bool = True,
        size: tuple[int, int] | None = None,
        shuffle: Draws | None = None,
        kind: str = "",
    ) -> None:
        self.annotations: list[str] = []
        super().__init__(path, root=root, color=color, size=size, shuffle=shuffle)
        self.names, self.kind = labels, kind

    def serialize(self, raw: int, value: bytes) -> bytes:
        """Return an AnnotatedDatum of a line's Datum.

        Raises:
            DataError: the annotations cannot be used.
        """
        path = join_root(self.root, self.annotations[raw])
        objects = read_objects(path, self._size(raw), self.names, self.kind)
        return encode_annotated(Datum.FromString(value), objects)

    def _keep(self, label: str) -> None:
        self.annotations.append(label)
        self.labels.append(0)

    def _size(self, raw: int) -> tuple[int, int]:
        """Return height and width of the image file."""
        try:
            with Image.open(self.file(raw), formats=FORMATS) as image:
                return image.height, image.width
        except UNREADABLE as error:
            raise DataError(f"cannot read image '{self.file(raw)}': {error}") from error
