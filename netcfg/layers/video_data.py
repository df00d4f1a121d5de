"""Layers that read films, frame by frame."""

from netcfg.data.clips import ClipList
from netcfg.data.transform import Transform
from netcfg.errors import NetError
from netcfg.layer import register
from netcfg.layers.data import PREFETCH, RecordLayer
from netcfg.netcfg_pb2 import TransformationParameter, VideoDataParameter
from netcfg.types import Phase


@register("VideoData")
class VideoData(RecordLayer):
    """Clips of films whose frames are images in a folder; ``folder frames label`` a line of a list.

    tops: data (N, C, H, W), C = num_segments × new_length × channels, label (N,) if asked for

    A film is divided into ``num_segments`` parts; ``new_length`` frames in a row come from each, at
    random in TRAIN, else from its middle. ``name_pattern`` says how frames are called; FLOW reads
    an image for x and one for y. One ``mean_value`` for each channel of a frame is enough.

    From TSN (Wang and others, 2016). SSD's layer of this name shows a film or a camera: it needs a
    decoder of films and is refused, as are encoded films here.
    """

    dialect = "TSN's VideoData, clips of frames in folders"
    reads = ("video_data_param", "transform_param")

    def setup(self) -> None:
        super().setup()
        config = self.config.video_data_param
        decoded = [f for f in ("video_type", "video_file", "device_id") if config.HasField(f)]
        if decoded or config.encoded:
            raise NetError(
                f"{decoded[0] if decoded else 'encoded'} needs a decoder of films, which netcfg "
                "has not; write the frames as images, a folder for each film, and list them"
            )
        self._check_batch_size(config.batch_size)
        for name in ("num_segments", "new_length"):
            if getattr(config, name) < 1:
                raise NetError(f"{name} must be at least 1; given 0")
        if bool(config.new_height) != bool(config.new_width):
            raise NetError(
                "new_height and new_width must be set together; "
                f"given {config.new_height} and {config.new_width}"
            )
        draws = self._draws()
        flow = config.modality == VideoDataParameter.FLOW
        source = ClipList(
            self._find_data(config.source),
            config.name_pattern,
            flow=flow,
            segments=config.num_segments,
            length=config.new_length,
            color=not config.grayscale,
            root=self._root(config.root_folder),
            size=(config.new_height, config.new_width) if config.new_height else None,
            shuffle=draws if config.shuffle else None,
            draws=draws if self.phase == Phase.TRAIN else None,
        )
        of_frame = 2 if flow else 1 if config.grayscale else 3
        transform = self._transform_of(of_frame, config.num_segments * config.new_length)
        self._connect(source, transform, config.batch_size, config.rand_skip, PREFETCH)

    def _transform_of(self, channels: int, frames: int) -> Transform:
        """Return the transform of all frames; means of one frame are those of all."""
        config = self.config.transform_param
        if len(config.mean_value) != channels or channels == 1:
            return self._transform()
        repeated = TransformationParameter()
        repeated.CopyFrom(config)
        del repeated.mean_value[:]
        repeated.mean_value.extend(list(config.mean_value) * frames)
        if config.mean_file:
            raise NetError("transform_param: mean_file and mean_value exclude each other")
        return Transform(repeated, self.phase, None)
