"""Images of any size with the objects in them, as Faster R-CNN trains on them.

It runs in place of py-faster-rcnn's ``roi_data_layer.layer.RoIDataLayer``, see
``netcfg.layers.rpn``.
"""

from netcfg.data.database import open_database
from netcfg.data.prefetch import Prefetch
from netcfg.data.regions import RegionFeed
from netcfg.errors import DataError, NetError
from netcfg.io.preparation import Preparation
from netcfg.layer import register
from netcfg.layers.data import PREFETCH, FeedLayer, decoders
from netcfg.layers.param_str import read_param_str
from netcfg.netcfg_pb2 import LayerParameter, TransformationParameter
from netcfg.types import Phase, Shape

BLOCK = "roi_data_param"


@register("RoIData")
class RoIData(FeedLayer):
    """An image at a time and the objects in it, from an LMDB of AnnotatedDatum records.

    data: (1, C, H, W)   im_info: (1, 3), height, width and scale   gt_boxes: (G, 5), rows
    (x1, y1, x2, y2, class) in pixels, both corners within the object

    s = min(scale / shorter side, max_size / longer side), H = round(s height), pixel means away.
    At TRAIN each epoch has an order of its own and every image twice, once mirrored, unless
    ``flipped`` is false. Images without objects are passed over. Sizes change from image to image.

    From py-faster-rcnn, whose images and objects are set up by code around the net; here
    ``param_str`` names a ``source``. It does not group images by their shape, which matters to
    several in a batch.
    """

    tops = (3, 3)
    reads = ("python_param",)
    own_fields = {  # noqa: RUF012 - Layer says it is a ClassVar
        BLOCK: {
            "num_classes": 21,
            "source": "",
            "scales": [600],
            "max_size": 1000,
            "pixel_means": [102.9801, 115.9465, 122.7717],
            "flipped": True,
        }
    }

    def setup(self) -> None:
        super().setup()
        named = self.config.python_param
        if self.config.type == "Python":
            self.dialect = f"netcfg's RoIData: '{named.module}' cannot be imported"  # type: ignore[misc]
        fields = read_param_str(named.param_str, self.own[BLOCK])
        for name, least in (("num_classes", 2), ("max_size", 1)):
            if fields[name] < least:
                raise NetError(f"{name} must be at least {least}; given {fields[name]}")
        if not fields["scales"] or min(fields["scales"]) < 1:
            raise NetError(f"scales must be pixels, at least 1; given {fields['scales']}")
        if not fields["source"]:
            raise DataError(
                "images and objects must come from somewhere: give param_str a source, as in "
                "\"'num_classes': 21, 'source': data/train_lmdb\"; `netcfg convert-annoset` makes "
                "such databases"
            )
        self._means = fields["pixel_means"]
        train = self.phase == Phase.TRAIN
        self.feed = self._regions = RegionFeed(
            open_database(self._find_data(fields["source"]), "LMDB"),
            self._draws(),
            classes=fields["num_classes"],
            scales=fields["scales"],
            longest=fields["max_size"],
            means=fields["pixel_means"],
            train=train,
            flipped=train and fields["flipped"],
        )
        self.prefetch = Prefetch(self.feed, PREFETCH, decoders(PREFETCH))

    def reshape(self) -> tuple[Shape, ...]:
        return self._regions.shapes()

    def preparation(self) -> Preparation:
        return _taking_away(self._means)


def _taking_away(means: list[float]) -> Preparation:
    return Preparation(TransformationParameter(mean_value=means), channels="BGR")


def regions_given(config: LayerParameter) -> tuple[dict[str, Shape], Preparation] | None:
    """Return what the fields of this layer say of its tops; None for other layers.

    The image has the shape of the largest one; its sizes change from image to image.
    """
    if config.type != "RoIData" and config.python_param.layer != "RoIDataLayer":
        return None
    known = RoIData.own_fields[BLOCK]
    fields = read_param_str(config.python_param.param_str, known)
    shape = (1, 3, fields["scales"][0], fields["max_size"])
    shapes = dict(zip(config.top, (shape, (1, 3)), strict=False))
    return shapes, _taking_away(fields["pixel_means"])
