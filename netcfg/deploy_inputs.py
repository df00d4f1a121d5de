"""What feeds a net: shapes, and what is done to images, by the data or the fields of a layer."""

from dataclasses import dataclass, field

from netcfg.engines import get_engine
from netcfg.errors import DataError
from netcfg.io.preparation import Preparation, lasting
from netcfg.layers.data import preparation_of
from netcfg.layers.roi_data import regions_given
from netcfg.net import Net
from netcfg.netcfg_pb2 import LayerParameter, NetParameter, ResizeParameter
from netcfg.types import Phase, Shape

COLOR = 3


@dataclass
class Given:
    """What a layer that reads or makes data gives to a net.

    Attributes:
        shapes: of its tops by name, those that are known.
        preparation: what it does to images; None where it does nothing.
        note: what was taken for granted; mostly empty.
    """

    shapes: dict[str, Shape] = field(default_factory=dict)
    preparation: Preparation | None = None
    note: str = ""


def given_by(config: LayerParameter) -> Given:
    """Return what a layer gives, by its data; where that is missing, by its fields.

    Raises:
        NetError: the layer is wrong.
    """
    alone = NetParameter(layer=[config])
    alone.layer[0].ClearField("phase")
    try:
        with Net(alone, Phase.TEST, engine=get_engine("numpy")) as net:
            shapes = dict(zip(config.top, net.top_shapes[0], strict=True))
            return Given(shapes, preparation_of(net.layers))
    except DataError:
        return declared(config)


def declared(config: LayerParameter) -> Given:
    """Return what the fields of a layer say, as far as they do."""
    regions = regions_given(config)
    if regions is not None:
        return Given(*regions)
    transform, image = config.transform_param, config.image_data_param
    resize = next((r for r in transform.resize_param if _is_one_size(r)), ResizeParameter())
    height = transform.crop_h or transform.crop_size or resize.height or image.new_height
    width = transform.crop_w or transform.crop_size or resize.width or image.new_width
    given = Given(preparation=_prepared(config))
    if height and width:
        gray = transform.force_gray or not image.is_color
        given.shapes = {config.top[0]: (1, 1 if gray else COLOR, height, width)}
        told = gray or transform.force_color or len(transform.mean_value) == COLOR or image.source
        if not told:
            given.note = (
                f"the data of layer '{config.name}' is not there: its images are taken to have "
                f"{COLOR} channels"
            )
    return given


def _prepared(config: LayerParameter) -> Preparation | None:
    """Return what a layer without its data says that it does to images."""
    if not config.HasField("transform_param"):
        return None
    transform, image = lasting(config.transform_param), config.image_data_param
    if image.new_height and not transform.resize_param:
        transform.resize_param.add(height=image.new_height, width=image.new_width)
    return Preparation(transform)


def _is_one_size(resize: ResizeParameter) -> bool:
    """Return whether images of any size become images of one."""
    return resize.resize_mode != ResizeParameter.FIT_SMALL_SIZE
