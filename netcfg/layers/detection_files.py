"""Files of detections that benchmarks evaluate: those of VOC, COCO and ILSVRC."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from netcfg.data.annotation_files import read_label_map
from netcfg.errors import DataError, NetError, nearest
from netcfg.io.files import write_whole
from netcfg.layers.boxes import in_pixels
from netcfg.netcfg_pb2 import SaveOutputParameter

FORMATS = ("VOC", "COCO", "ILSVRC")


class DetectionFiles:
    """Collects the detections of a data set, image by image, and writes them when it is complete.

    VOC:    a file for each class, lines  name score xmin ymin xmax ymax
    COCO:   one JSON file of image_id, category_id, bbox (x, y, width, height) and score
    ILSVRC: one file, lines  name class score xmin ymin xmax ymax; names are the images' numbers

    Corners are in pixels of the image. Files are written anew after each pass over all images.

    Args:
        param: of the layer.
        find: returns where a file that the net names is.

    Raises:
        NetError: a field is missing or unknown.
        DataError: a file cannot be read.
    """

    def __init__(self, param: SaveOutputParameter, find: Callable[[str], Path]) -> None:
        self.param = param
        if param.output_format not in FORMATS:
            raise NetError(
                f"output_format must be one of {', '.join(FORMATS)}; given "
                f"'{param.output_format}'{nearest(param.output_format, FORMATS)}"
            )
        for name in ("name_size_file", "label_map_file"):
            if not getattr(param, name):
                raise NetError(f"save_output_param: {name} must be given with output_directory")
        self.images = read_sizes(find(param.name_size_file))
        if param.HasField("num_test_image"):
            if param.num_test_image > len(self.images):
                raise NetError(
                    f"num_test_image must be at most {len(self.images)}, the lines of "
                    f"'{param.name_size_file}'; given {param.num_test_image}"
                )
            self.images = self.images[: param.num_test_image]
        labels = read_label_map(find(param.label_map_file))
        self.names = {label: name for name, label in labels.items()}
        self.rows: list[Any] = []

    def add(self, rows: Any) -> None:
        """Take the rows (class, score, xmin, ymin, xmax, ymax) of the next image."""
        self.rows.append(rows)
        if len(self.rows) == len(self.images):
            self._write()
            self.rows = []

    def _write(self) -> None:
        folder = Path(self.param.output_directory)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in self._texts().items():
                with write_whole(folder / f"{self.param.output_name_prefix}{name}") as file:
                    file.write(text.encode())
        except OSError as error:
            raise DataError(f"cannot write to '{folder}': {error.strerror}") from error

    def _texts(self) -> dict[str, str]:
        """Return the contents of the files by name."""
        lines: dict[str, list[Any]] = {}
        if self.param.output_format == "VOC":
            lines = {f"{name}.txt": [] for label, name in self.names.items() if label > 0}
        elif self.param.output_format == "ILSVRC":
            lines = {".txt": []}
        for (name, size), rows in zip(self.images, self.rows, strict=True):
            corners = in_pixels(rows[:, 2:], size, self.param.resize_param)
            for (label, score), box in zip(rows[:, :2], corners, strict=True):
                where = " ".join(f"{v:.6g}" for v in box)
                if self.param.output_format == "VOC":
                    row: Any = f"{name} {score:.6g} {where}"
                    lines.setdefault(f"{self._name(label)}.txt", []).append(row)
                elif self.param.output_format == "ILSVRC":
                    row = f"{name} {int(label)} {score:.6g} {where}"
                    lines.setdefault(".txt", []).append(row)
                else:
                    lines.setdefault(".json", []).append(self._coco(name, label, score, box))
        if self.param.output_format == "COCO":
            return {".json": json.dumps(lines.get(".json", []))}
        return {file: "".join(f"{row}\n" for row in rows) for file, rows in lines.items()}

    def _coco(self, name: str, label: Any, score: Any, box: Any) -> dict[str, Any]:
        """Return a detection as COCO has it: numbers of images and categories."""
        x, y, right, bottom = (float(v) for v in box)
        image, category = _number(name, "image"), _number(self._name(label), "class")
        bbox = [x, y, right - x, bottom - y]
        return {"image_id": image, "category_id": category, "bbox": bbox, "score": float(score)}

    def _name(self, label: Any) -> str:
        return self.names.get(int(label), str(int(label)))


def read_sizes(path: Path) -> list[tuple[str, tuple[int, int]]]:
    """Read lines of an image's name, height and width.

    Raises:
        DataError: the file is not there, or a line has another form.
    """
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise DataError(f"cannot read '{path}': {error.strerror}") from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            name, height, width = line.rsplit(None, 2)
            found.append((name, (int(height), int(width))))
        except ValueError:
            raise DataError(
                f"{path}:{number}: a line must be name, height, width; given '{line}'"
            ) from None
    return found


def _number(text: str, what: str) -> int:
    digits = text.rpartition("_")[2]
    if not digits.isdigit():
        raise DataError(f"COCO numbers what it names; the {what} is '{text}'")
    return int(digits)
