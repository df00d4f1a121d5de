"""Layers that read files: databases, lists of images, HDF5; batches are made ahead of need."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from netcfg.data.annotated import AnnotatedFeed
from netcfg.data.augment import FIELDS, Augmentation
from netcfg.data.database import open_database
from netcfg.data.draws import Draws
from netcfg.data.feed import Batch, Feed
from netcfg.data.hdf5 import Hdf5Rows
from netcfg.data.image_list import ImageList
from netcfg.data.mean import Mean, read_mean
from netcfg.data.multi_scale import FIELDS as PARTS
from netcfg.data.prefetch import Prefetch, given_workers
from netcfg.data.random_size import FIELDS as SIZES
from netcfg.data.regions import RegionFeed
from netcfg.data.segmentation import SegmentationFeed
from netcfg.data.source import Source
from netcfg.data.transform import Transform
from netcfg.data.windows import WindowFeed
from netcfg.engines.threads import cores
from netcfg.errors import DataError, NetError
from netcfg.io.preparation import Preparation, lasting
from netcfg.layer import Layer, register
from netcfg.netcfg_pb2 import DataParameter
from netcfg.types import Array, Phase, Shape

T = TypeVar("T")

PREFETCH = 4
"""Batches that wait where the prototxt has no ``prefetch``."""

MOST_WORKERS = 16
"""Threads that make batches where nobody says how many, at most."""


CHANGES = tuple(f"transform_param.{field}" for field in FIELDS)
"""What layers that augment images implement of forks."""

CUTS = (*CHANGES, *(f"transform_param.{field}" for field in (*PARTS, *SIZES)))
"""The same for layers of images without objects."""


class FeedLayer(Layer):
    """Base of the layers whose batches are made ahead of need, by batch number."""

    bottoms = (0, 0)
    tops: ClassVar[tuple[int, int | None]] = (1, 2)
    differentiable = False
    prefetch: Prefetch[Batch] | None = None
    mean: Mean | None = None
    """The mean image that is taken away."""
    feed: AnnotatedFeed | Feed | Hdf5Rows | RegionFeed | SegmentationFeed | WindowFeed | None = None

    def setup(self) -> None:
        self.bad_records: list[tuple[str, str]] = []
        """Records that were passed over: where they stand and what is wrong."""
        self._bad: set[str] = set()

    def forward(self) -> tuple[Array, ...]:
        return tuple(self.engine.asarray(a) for a in self.batch())

    def batch(self) -> tuple[Array, ...]:
        """Return the arrays of this pass on the CPU."""
        return self.next_batch().arrays[: self.ntops]

    def next_batch(self) -> Batch:
        """Return the batch of this pass; see ``Feed.deferred``."""
        if self.prefetch is None:
            raise DataError("the data layer is closed")
        batch = self.prefetch.get(self.step)
        self._note(batch.bad)
        return batch

    def close(self) -> None:
        ended = self.prefetch is None or self.prefetch.close()
        # A worker that still reads would crash on a closed database.
        if ended and self.feed is not None:
            self.feed.close()
        self.prefetch = self.feed = None

    def _note(self, bad: list[tuple[str, str]]) -> None:
        """Keep records that were passed over, each once, and refuse too many."""
        for where, message in bad:
            if where in self._bad:
                continue
            allowed = self.context.skip_bad_data
            if len(self._bad) >= allowed:
                raise DataError(
                    f"{where}: {message}; more than the {allowed} records that skip_bad_data "
                    "passes over cannot be used"
                )
            self._bad.add(where)
            self.bad_records.append((where, message))

    def _find_data(self, path: str) -> Path:
        if not path:
            raise NetError("source must name the data")
        try:
            return self.find(path)
        except NetError as error:
            script = Path("data_scripts", f"get_{Path(path).parent.name}.py")
            hint = f"; `python {script}` builds it" if script.is_file() else ""
            raise DataError(f"{error}{hint}") from error

    def _root(self, root: str) -> str:
        """Return the folder of the images: from the working directory, then beside the file."""
        beside = Path(self.config.source.file).parent / root
        return str(beside) if root and not Path(root).is_dir() and beside.is_dir() else root

    def _check_batch_size(self, size: int) -> None:
        if size < 1:
            raise NetError("batch_size must be at least 1; given 0")

    def _transform(self) -> Transform:
        config = self.config.transform_param
        if config.mean_file:
            self.mean = read_mean(self._find_data(config.mean_file))
        return Transform(config, self.phase, self.mean)

    def size(self) -> Shape:
        """Return height and width of images before they are cut; empty where they differ."""
        return ()

    def channels(self) -> str:
        """Return the order of colours; empty where nobody knows it."""
        return "BGR"

    def preparation(self) -> Preparation | None:
        """Return what is done to images that are to be told; None where there are none.

        What is random in training, such as ``mirror``, is left out. The size that all images have
        before the crop stands in ``resize_param``, so that others can be brought to it.
        """
        if "transform_param" not in self.reads:
            return None
        found = lasting(self.config.transform_param)
        cut = found.crop_size or found.crop_h or found.crop_w
        if cut and not found.resize_param and (size := self.size()):
            found.resize_param.add(height=size[0], width=size[1])
        return Preparation(found, self.mean, self.channels())

    def _draws(self) -> Draws:
        return Draws(self.context.seed, self.name)


class RecordLayer(FeedLayer):
    """Base of the layers that read images with one label each, and transform them."""

    def reshape(self) -> tuple[Shape, ...]:
        return (self._records.shape(), (self._records.size,))[: self.ntops]

    def batch(self) -> tuple[Array, ...]:
        return self._records.finished(self.next_batch())[: self.ntops]

    def size(self) -> Shape:
        return () if self.feed is None else self._records.common_size()

    def _connect(
        self,
        source: Source,
        transform: Transform,
        size: int,
        rand_skip: int,
        depth: int,
        wanted: int = 0,
    ) -> None:
        """Make batches of a source; workers start with the first batch."""
        draws = self._draws()
        train = self.phase == Phase.TRAIN
        augment = Augmentation(self.config.transform_param, train=train)
        self.feed = self._records = Feed(
            source,
            transform,
            size,
            draws,
            skip=draws.skip(rand_skip),
            tolerate=self.context.skip_bad_data,
            augment=augment if augment.active else None,
        )
        heavy = augment.active or source.heavy
        self.prefetch = Prefetch(self.feed, depth, decoders(depth, heavy, wanted))


@register("Data")
class Data(RecordLayer):
    """Images and labels from an LMDB or LevelDB of Datum records, over and over.

    tops: data (N, C, H, W), label (N,) if asked for

    Of SSD, ``resize_param``, ``noise_param``, ``crop_h`` and ``crop_w`` change images, encoded or
    not; ``distort_param`` and ``expand_param`` too, which SSD knows in AnnotatedData alone. Of
    NVCaffe, ``shuffle`` gives each epoch an order of its own, with ``cache`` or without.
    """

    reads = ("data_param", "transform_param")
    forks = (*CUTS, "data_param.shuffle")

    def setup(self) -> None:
        super().setup()
        config = self.config.data_param
        self._check_batch_size(config.batch_size)
        transform = self._transform()
        color = forced_color(self.config.transform_param)
        if color is None and config.force_encoded_color:
            color = True
        path = self._find_data(config.source)
        order = self._draws() if config.shuffle else None
        source = open_database(path, DataParameter.DB.Name(config.backend), color, order)
        self._encoded = source.encoded
        self._connect(
            source,
            transform,
            config.batch_size,
            config.rand_skip,
            config.prefetch,
            config.parser_threads,
        )

    def channels(self) -> str:
        return super().channels() if self._encoded else ""


@register("ImageData")
class ImageData(RecordLayer):
    """Images and labels from files that a text file lists, ``path label`` a line.

    tops: data (N, C, H, W), label (N,) if asked for

    Images may change as those of Data do. The label is the integer after the last space. Unlike
    Caffe, which ends there, an unreadable image is named and may be passed over. ``draft`` decodes
    large JPEGs faster, with other numbers.
    """

    reads = ("image_data_param", "transform_param")
    forks = CUTS

    def setup(self) -> None:
        super().setup()
        config = self.config.image_data_param
        self._check_batch_size(config.batch_size)
        if bool(config.new_height) != bool(config.new_width):
            raise NetError(
                "new_height and new_width must be set together; "
                f"given {config.new_height} and {config.new_width}"
            )
        if config.draft and not config.new_height:
            raise NetError("draft needs new_height and new_width, which say how large is enough")
        transform = self._transform()
        source = ImageList(
            self._find_data(config.source),
            root=self._root(config.root_folder),
            color=config.is_color,
            size=(config.new_height, config.new_width) if config.new_height else None,
            draft=config.draft,
            shuffle=self._draws() if config.shuffle else None,
        )
        self._connect(source, transform, config.batch_size, config.rand_skip, PREFETCH)


@register("HDF5Data")
class HDF5Data(FeedLayer):
    """Rows of HDF5 files that a text file lists; each top is the dataset of its name.

    tops: any, each (N, *shape of a row)

    ``shuffle`` mixes the files and the rows within each, not rows across files.
    """

    tops = (1, None)
    reads = ("hdf5_data_param",)

    def setup(self) -> None:
        super().setup()
        config = self.config.hdf5_data_param
        self._check_batch_size(config.batch_size)
        if self.config.HasField("transform_param"):
            raise NetError(
                "transform_param does not apply to HDF5 data; store them transformed, or use "
                "Power or Scale layers"
            )
        self.feed = self._rows = Hdf5Rows(
            self._find_data(config.source),
            self.config.top,
            config.batch_size,
            self._draws() if config.shuffle else None,
        )
        self.prefetch = Prefetch(self.feed, PREFETCH, decoders(PREFETCH, heavy=False))

    def reshape(self) -> tuple[Shape, ...]:
        return self._rows.shapes()


def preparation_of(layers: Iterable[Layer]) -> Preparation | None:
    """Return what the first layer that reads images, or says that it does, does to them."""
    for layer in layers:
        if isinstance(layer, FeedLayer):
            found = layer.preparation()
        elif layer.config.HasField("transform_param") and not layer.config.bottom:
            found = Preparation(lasting(layer.config.transform_param))
        else:
            continue
        if found is not None:
            return found
    return None


def decoders(depth: int, heavy: bool = True, wanted: int = 0) -> int:
    """Return how many threads make batches; results do not depend on it.

    Args:
        depth: batches that wait.
        heavy: whether it takes longer to make one than to hand it over.
        wanted: what the prototxt says; 0 for nothing.
    """
    given = given_workers()
    if given is not None:
        return given
    if not heavy:
        return 1
    return min(max(1, wanted or cores() - 1), MOST_WORKERS, max(depth, wanted))


def forced_color(config: Any) -> bool | None:
    """Return what ``force_color`` and ``force_gray`` make of encoded images."""
    if config.force_color:
        return True
    return False if config.force_gray else None
