"""What a prototxt says of a net before it is built: where images go in, which blobs come out."""

from netcfg.errors import NetError, nearest
from netcfg.io.preparation import Preparation
from netcfg.netcfg_pb2 import LayerParameter, NetParameter, NetState
from netcfg.phases import filter_net
from netcfg.places import where
from netcfg.types import Phase, Shape

INFO = "im_info"
"""The input of region proposal networks that says how images were resized."""


class Outline:
    """The layers of a net as it is tested.

    Args:
        config: a net as ``read_net`` gives it.

    Attributes:
        layers: in their order.
        tops: names of all blobs.
        unread: those that no layer reads, in the order in which they are written.
        preparation: what the data layer of the net that it was made of did to images; None where
            there was none.
    """

    def __init__(self, config: NetParameter) -> None:
        self.config = filter_net(config, NetState(phase=int(Phase.TEST)))
        self.layers: list[LayerParameter] = list(self.config.layer)
        self.preparation: Preparation | None = None
        unread: dict[str, None] = {}
        for layer in self.layers:
            for name in layer.bottom:
                unread.pop(name, None)
            unread.update(dict.fromkeys(layer.top))
        self.unread = list(unread)
        self.tops = list(dict.fromkeys(top for layer in self.layers for top in layer.top))

    def check(self, name: str, what: str = "blob") -> str:
        """Return the name of a blob that the net has.

        Raises:
            NetError: it has none of that name.
        """
        if name not in self.tops:
            known = ", ".join(self.unread)
            raise NetError(
                f"net '{self.config.name}' has no {what} '{name}'{nearest(name, self.tops)} "
                f"(outputs: {known})"
            )
        return name

    def writer(self, name: str) -> LayerParameter:
        """Return the last layer that writes a blob."""
        return [layer for layer in self.layers if name in layer.top][-1]

    def only(self, what: str, option: str = "--blob") -> str:
        """Return the one blob that no layer reads, besides inputs.

        Raises:
            NetError: there are several or none.
        """
        names = [name for name in self.unread if self.writer(name).type != "Input"]
        if len(names) != 1:
            raise NetError(
                f"net '{self.config.name}' has {len(names)} outputs ({', '.join(names) or 'none'});"
                f" say with {option} which holds {what}"
            )
        return names[0]

    @property
    def has_input(self) -> bool:
        """Whether arrays can be fed to the net."""
        return any(layer.type == "Input" for layer in self.layers)

    def image(self) -> tuple[LayerParameter, int]:
        """Return the Input layer that takes images, and which of its tops they are.

        Raises:
            NetError: there is none.
        """
        for layer in self.layers:
            for i, shape in enumerate(self.shapes(layer)):
                if len(shape) == 4 and shape[1] in (1, 3):
                    return layer, i
        raise NetError(
            f"net '{self.config.name}' has no Input of images, (N, C, H, W) with 1 or 3 channels"
        )

    def shapes(self, layer: LayerParameter) -> list[Shape]:
        """Return the shapes of the tops of an Input layer, of others none."""
        if layer.type != "Input":
            return []
        shapes = [tuple(shape.dim) for shape in layer.input_param.shape]
        return shapes * len(layer.top) if len(shapes) == 1 else shapes

    def info(self) -> str:
        """Return the name of the input that takes sizes of images, empty where there is none.

        Raises:
            NetError: an input is neither that nor an image.
        """
        image, index = self.image()
        found = ""
        for layer in self.layers:
            for i, (name, shape) in enumerate(zip(layer.top, self.shapes(layer), strict=False)):
                if (layer.name, i) == (image.name, index):
                    continue
                if name != INFO and shape[1:] != (3,):
                    raise NetError(
                        f"{where(layer)}: input '{name}' of shape {shape} is neither an image nor "
                        f"{INFO}, which are the inputs that can be filled"
                    )
                found = name
        return found

    def until(self, names: list[str]) -> NetParameter:
        """Return the net without the layers after the last that writes one of these blobs."""
        last = max(i for i, layer in enumerate(self.layers) if set(names) & set(layer.top))
        config = NetParameter()
        config.CopyFrom(self.config)
        del config.layer[last + 1 :]
        return config
