"""Layers that read films, frame by frame."""

from typing import Any

import numpy as np

from netcfg.data.clips import ClipList, FrameList
from netcfg.data.mean import read_volume_mean
from netcfg.data.transform import Transform
from netcfg.errors import NetError
from netcfg.io.preparation import Preparation
from netcfg.layer import Layer, register
from netcfg.layers.data import CUTS, PREFETCH, RecordLayer
from netcfg.netcfg_pb2 import LayerParameter, TransformationParameter, VideoDataParameter
from netcfg.types import Array, Phase, Shape


@register("VideoData")
class VideoData(RecordLayer):
    """Clips of films whose frames are images in a folder; ``folder frames label`` a line of a list.

    tops: data (N, C, H, W), C = num_segments × new_length × channels, label (N,) if asked for

    A film is divided into ``num_segments`` parts; ``new_length`` frames in a row come from each, at
    random in TRAIN, else from its middle. ``name_pattern`` says how frames are called; FLOW reads
    an image for x and one for y. One ``mean_value`` for each channel of a frame is enough. In TRAIN
    ``multi_scale`` and ``fix_crop`` cut parts as ``netcfg.data.multi_scale`` says; with ``is_flow``
    mirroring inverts what goes across, every second channel.

    From TSN (Wang and others, 2016). SSD's layer of this name shows a film or a camera: it needs a
    decoder of films and is refused, as are encoded films here. With ``image_data_param`` or
    ``use_image`` it is C3D's layer: ``VolumeData``.
    """

    dialect = "TSN's VideoData, clips of frames in folders"
    reads = ("video_data_param", "transform_param")
    forks = CUTS

    @classmethod
    def resolve(cls, config: LayerParameter) -> type[Layer]:
        """Return C3D's layer where the fields are its."""
        named = config.video_data_param.HasField("use_image")
        return VolumeData if named or config.HasField("image_data_param") else cls

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


class VolumeData(RecordLayer):
    """Clips of films with an axis of time, as in C3D; ``folder frame label`` a line of a list.

    tops: data (N, C, L, H, W), L = ``new_length``, label (N,) if asked for

    A clip is the images ``000001.jpg`` and so on of a folder from the given one on. The fields
    stand in ``video_data_param``, of old in ``image_data_param``. ``mean_file`` is of clips as C3D
    writes it, of the size before the crop. From C3D (Tran and others, 2015), whose
    ``use_temporal_jitter`` concerns encoded films alone; these are refused.
    """

    type = "VideoData"
    dialect = "C3D's VideoData, clips with an axis of time"
    reads = ("video_data_param", "image_data_param", "transform_param")
    forks = (
        "image_data_param.new_length",
        "image_data_param.use_image",
        "image_data_param.use_temporal_jitter",
    )

    def setup(self) -> None:
        super().setup()
        config: Any = self.config.video_data_param
        if self.config.HasField("image_data_param"):
            config = self.config.image_data_param
        if not config.use_image:
            raise NetError(
                "use_image: false needs a decoder of films, which netcfg has not; write the frames "
                "as 000001.jpg and so on, a folder for each film, and list them"
            )
        self._check_batch_size(config.batch_size)
        if config.new_length < 1:
            raise NetError("new_length must be at least 1; given 0")
        if bool(config.new_height) != bool(config.new_width):
            raise NetError(
                "new_height and new_width must be set together; "
                f"given {config.new_height} and {config.new_width}"
            )
        self.length = config.new_length
        source = FrameList(
            self._find_data(config.source),
            "%06d.jpg",
            length=self.length,
            root=self._root(config.root_folder),
            size=(config.new_height, config.new_width) if config.new_height else None,
            shuffle=self._draws() if config.shuffle else None,
        )
        transform = self._frames_transform()
        self._connect(source, transform, config.batch_size, config.rand_skip, PREFETCH)

    def _frames_transform(self) -> Transform:
        """Return the transform of frames that stand one behind the other as channels."""
        param = TransformationParameter()
        param.CopyFrom(self.config.transform_param)
        mean = None
        if param.mean_file:
            mean = read_volume_mean(self._find_data(param.mean_file))
            if mean.shape[1] != self.length:
                raise NetError(f"mean_file is of {mean.shape[1]} frames, a clip has {self.length}")
            mean = np.concatenate(mean.swapaxes(0, 1))  # (L C, H, W)
        means = list(param.mean_value)
        if len(means) > 1:
            param.mean_value.extend(means * (self.length - 1))
        return Transform(param, self.phase, mean)

    def reshape(self) -> tuple[Shape, ...]:
        (N, planes, *size), *label = super().reshape()
        return ((N, planes // self.length, self.length, *size), *label)

    def batch(self) -> tuple[Array, ...]:
        data, *label = super().batch()
        volume = data.reshape(len(data), self.length, -1, *data.shape[2:])
        return (np.ascontiguousarray(volume.swapaxes(1, 2)), *label)

    def preparation(self) -> Preparation | None:
        return None  # of single images
