"""Images with boxes around objects, as SSD trains on them."""

from netcfg.data.annotated import AnnotatedFeed
from netcfg.data.annotation_files import read_label_map
from netcfg.data.augment import Augmentation
from netcfg.data.database import open_database
from netcfg.data.prefetch import Prefetch
from netcfg.errors import NetError
from netcfg.layer import register
from netcfg.layers.data import CHANGES, FeedLayer, decoders, forced_color
from netcfg.netcfg_pb2 import DataParameter
from netcfg.types import Shape


@register("AnnotatedData")
class AnnotatedData(FeedLayer):
    """Images and the objects in them from an LMDB or LevelDB of AnnotatedDatum records.

    tops: data (N, C, H, W), label (1, 1, n, 8) if asked for

    A row of labels is (place in the batch, class, instance, xmin, ymin, xmax, ymax, difficult) with
    corners as shares of the image that the net sees; n changes from batch to batch, and one row of
    -1 stands for a batch without objects. Images go through ``distort_param``, ``expand_param``, a
    part that ``batch_sampler`` finds, ``resize_param``, ``noise_param``, crop and mirror, and boxes
    follow. Records without boxes give labels (N,). From SSD (Liu et al. 2016, arXiv:1512.02325).

    With MobileNet-YOLO's ``yolo_data_type: 1`` labels are (N, 1, 300, 5), as YOLO's losses read
    them: (class - 1, x, y, width, height) with the middle first, then zeros; difficult objects are
    left out, and the part of an image, where no ``batch_sampler`` says another, is a random one
    whose sides are shorter by ``yolo_data_jitter`` at most.
    """

    reads = ("data_param", "annotated_data_param", "transform_param")
    forks = (*CHANGES, "transform_param.emit_constraint", "data_param.shuffle")

    def setup(self) -> None:
        super().setup()
        data, own = self.config.data_param, self.config.annotated_data_param
        transform = self.config.transform_param
        self._check_batch_size(data.batch_size)
        if own.yolo_data_type not in (0, 1):
            raise NetError(f"yolo_data_type must be 0 or 1; given {own.yolo_data_type}")
        yolo = own.yolo_data_type == 1
        classes = None
        if own.label_map_file:
            classes = frozenset(read_label_map(self._find_data(own.label_map_file)).values())
        color = forced_color(transform)
        if color is None and data.force_encoded_color:
            color = True
        draws = self._draws()
        backend = DataParameter.DB.Name(data.backend)
        self.feed = self._annotated = AnnotatedFeed(
            open_database(
                self._find_data(data.source), backend, color, draws if data.shuffle else None
            ),
            Augmentation(transform, list(own.batch_sampler), own.yolo_data_jitter if yolo else 0),
            self._transform(),
            data.batch_size,
            draws,
            skip=draws.skip(data.rand_skip),
            tolerate=self.context.skip_bad_data,
            boxes=own.HasField("anno_type"),
            classes=classes,
            yolo=yolo,
        )
        self.prefetch = Prefetch(self.feed, data.prefetch, decoders(data.prefetch))

    def reshape(self) -> tuple[Shape, ...]:
        return self._annotated.shapes()[: self.ntops]
