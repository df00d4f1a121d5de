"""Generated from proto/netcfg.proto by tools/gen_proto.py; do not edit."""

import builtins
from collections.abc import Iterable
from typing import ClassVar

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import EnumValueOptions, FieldOptions
from google.protobuf.internal.containers import (
    RepeatedCompositeFieldContainer,
    RepeatedScalarFieldContainer,
)
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.internal.extension_dict import _ExtensionFieldDescriptor
from google.protobuf.message import Message

DESCRIPTOR: FileDescriptor
fork: _ExtensionFieldDescriptor[FieldOptions, str]
fork_value: _ExtensionFieldDescriptor[EnumValueOptions, str]

class _TypeMeta(EnumTypeWrapper[Type], builtins.type): ...

class Type(int, metaclass=_TypeMeta):
    DOUBLE: ClassVar[Type]
    FLOAT: ClassVar[Type]
    FLOAT16: ClassVar[Type]
    INT: ClassVar[Type]
    UINT: ClassVar[Type]
    BOOL: ClassVar[Type]

DOUBLE: Type
FLOAT: Type
FLOAT16: Type
INT: Type
UINT: Type
BOOL: Type

class _PhaseMeta(EnumTypeWrapper[Phase], builtins.type): ...

class Phase(int, metaclass=_PhaseMeta):
    TRAIN: ClassVar[Phase]
    TEST: ClassVar[Phase]

TRAIN: Phase
TEST: Phase

class Source(Message):
    FILE_FIELD_NUMBER: ClassVar[int]
    LINE_FIELD_NUMBER: ClassVar[int]
    COLUMN_FIELD_NUMBER: ClassVar[int]
    FIELD_FIELD_NUMBER: ClassVar[int]
    file: str
    line: int
    column: int
    field: RepeatedCompositeFieldContainer[FieldPlace]
    def __init__(
        self,
        *,
        file: str | None = ...,
        line: int | None = ...,
        column: int | None = ...,
        field: Iterable[FieldPlace] | None = ...,
    ) -> None: ...

class FieldPlace(Message):
    NAME_FIELD_NUMBER: ClassVar[int]
    LINE_FIELD_NUMBER: ClassVar[int]
    COLUMN_FIELD_NUMBER: ClassVar[int]
    name: str
    line: int
    column: int
    def __init__(
        self,
        *,
        name: str | None = ...,
        line: int | None = ...,
        column: int | None = ...,
    ) -> None: ...

class UnknownField(Message):
    PATH_FIELD_NUMBER: ClassVar[int]
    TEXT_FIELD_NUMBER: ClassVar[int]
    SOURCE_FIELD_NUMBER: ClassVar[int]
    ORIGIN_FIELD_NUMBER: ClassVar[int]
    path: str
    text: str
    source: Source
    origin: str
    def __init__(
        self,
        *,
        path: str | None = ...,
        text: str | None = ...,
        source: Source | None = ...,
        origin: str | None = ...,
    ) -> None: ...

class BlobShape(Message):
    DIM_FIELD_NUMBER: ClassVar[int]
    dim: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        dim: Iterable[int] | None = ...,
    ) -> None: ...

class BlobProto(Message):
    SHAPE_FIELD_NUMBER: ClassVar[int]
    DATA_FIELD_NUMBER: ClassVar[int]
    DIFF_FIELD_NUMBER: ClassVar[int]
    DOUBLE_DATA_FIELD_NUMBER: ClassVar[int]
    DOUBLE_DIFF_FIELD_NUMBER: ClassVar[int]
    NUM_FIELD_NUMBER: ClassVar[int]
    CHANNELS_FIELD_NUMBER: ClassVar[int]
    HEIGHT_FIELD_NUMBER: ClassVar[int]
    WIDTH_FIELD_NUMBER: ClassVar[int]
    RAW_DATA_TYPE_FIELD_NUMBER: ClassVar[int]
    RAW_DIFF_TYPE_FIELD_NUMBER: ClassVar[int]
    RAW_DATA_FIELD_NUMBER: ClassVar[int]
    RAW_DIFF_FIELD_NUMBER: ClassVar[int]
    shape: BlobShape
    data: RepeatedScalarFieldContainer[float]
    diff: RepeatedScalarFieldContainer[float]
    double_data: RepeatedScalarFieldContainer[float]
    double_diff: RepeatedScalarFieldContainer[float]
    num: int
    channels: int
    height: int
    width: int
    raw_data_type: Type
    raw_diff_type: Type
    raw_data: bytes
    raw_diff: bytes
    def __init__(
        self,
        *,
        shape: BlobShape | None = ...,
        data: Iterable[float] | None = ...,
        diff: Iterable[float] | None = ...,
        double_data: Iterable[float] | None = ...,
        double_diff: Iterable[float] | None = ...,
        num: int | None = ...,
        channels: int | None = ...,
        height: int | None = ...,
        width: int | None = ...,
        raw_data_type: int | str | None = ...,
        raw_diff_type: int | str | None = ...,
        raw_data: bytes | None = ...,
        raw_diff: bytes | None = ...,
    ) -> None: ...

class BlobProtoVector(Message):
    BLOBS_FIELD_NUMBER: ClassVar[int]
    blobs: RepeatedCompositeFieldContainer[BlobProto]
    def __init__(
        self,
        *,
        blobs: Iterable[BlobProto] | None = ...,
    ) -> None: ...

class Datum(Message):
    CHANNELS_FIELD_NUMBER: ClassVar[int]
    HEIGHT_FIELD_NUMBER: ClassVar[int]
    WIDTH_FIELD_NUMBER: ClassVar[int]
    DATA_FIELD_NUMBER: ClassVar[int]
    LABEL_FIELD_NUMBER: ClassVar[int]
    FLOAT_DATA_FIELD_NUMBER: ClassVar[int]
    ENCODED_FIELD_NUMBER: ClassVar[int]
    channels: int
    height: int
    width: int
    data: bytes
    label: int
    float_data: RepeatedScalarFieldContainer[float]
    encoded: bool
    def __init__(
        self,
        *,
        channels: int | None = ...,
        height: int | None = ...,
        width: int | None = ...,
        data: bytes | None = ...,
        label: int | None = ...,
        float_data: Iterable[float] | None = ...,
        encoded: bool | None = ...,
    ) -> None: ...

class NormalizedBBox(Message):
    XMIN_FIELD_NUMBER: ClassVar[int]
    YMIN_FIELD_NUMBER: ClassVar[int]
    XMAX_FIELD_NUMBER: ClassVar[int]
    YMAX_FIELD_NUMBER: ClassVar[int]
    LABEL_FIELD_NUMBER: ClassVar[int]
    DIFFICULT_FIELD_NUMBER: ClassVar[int]
    SCORE_FIELD_NUMBER: ClassVar[int]
    SIZE_FIELD_NUMBER: ClassVar[int]
    xmin: float
    ymin: float
    xmax: float
    ymax: float
    label: int
    difficult: bool
    score: float
    size: float
    def __init__(
        self,
        *,
        xmin: float | None = ...,
        ymin: float | None = ...,
        xmax: float | None = ...,
        ymax: float | None = ...,
        label: int | None = ...,
        difficult: bool | None = ...,
        score: float | None = ...,
        size: float | None = ...,
    ) -> None: ...

class Annotation(Message):
    INSTANCE_ID_FIELD_NUMBER: ClassVar[int]
    BBOX_FIELD_NUMBER: ClassVar[int]
    instance_id: int
    bbox: NormalizedBBox
    def __init__(
        self,
        *,
        instance_id: int | None = ...,
        bbox: NormalizedBBox | None = ...,
    ) -> None: ...

class AnnotationGroup(Message):
    GROUP_LABEL_FIELD_NUMBER: ClassVar[int]
    ANNOTATION_FIELD_NUMBER: ClassVar[int]
    group_label: int
    annotation: RepeatedCompositeFieldContainer[Annotation]
    def __init__(
        self,
        *,
        group_label: int | None = ...,
        annotation: Iterable[Annotation] | None = ...,
    ) -> None: ...

class AnnotatedDatum(Message):
    class _AnnotationTypeMeta(EnumTypeWrapper[AnnotatedDatum.AnnotationType], builtins.type): ...

    class AnnotationType(int, metaclass=_AnnotationTypeMeta):
        BBOX: ClassVar[AnnotatedDatum.AnnotationType]

    BBOX: ClassVar[AnnotatedDatum.AnnotationType]
    DATUM_FIELD_NUMBER: ClassVar[int]
    TYPE_FIELD_NUMBER: ClassVar[int]
    ANNOTATION_GROUP_FIELD_NUMBER: ClassVar[int]
    datum: Datum
    type: AnnotatedDatum.AnnotationType
    annotation_group: RepeatedCompositeFieldContainer[AnnotationGroup]
    def __init__(
        self,
        *,
        datum: Datum | None = ...,
        type: int | str | None = ...,
        annotation_group: Iterable[AnnotationGroup] | None = ...,
    ) -> None: ...

class LabelMapItem(Message):
    NAME_FIELD_NUMBER: ClassVar[int]
    LABEL_FIELD_NUMBER: ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: ClassVar[int]
    name: str
    label: int
    display_name: str
    def __init__(
        self,
        *,
        name: str | None = ...,
        label: int | None = ...,
        display_name: str | None = ...,
    ) -> None: ...

class LabelMap(Message):
    ITEM_FIELD_NUMBER: ClassVar[int]
    item: RepeatedCompositeFieldContainer[LabelMapItem]
    def __init__(
        self,
        *,
        item: Iterable[LabelMapItem] | None = ...,
    ) -> None: ...

class FillerParameter(Message):
    class _VarianceNormMeta(EnumTypeWrapper[FillerParameter.VarianceNorm], builtins.type): ...

    class VarianceNorm(int, metaclass=_VarianceNormMeta):
        FAN_IN: ClassVar[FillerParameter.VarianceNorm]
        FAN_OUT: ClassVar[FillerParameter.VarianceNorm]
        AVERAGE: ClassVar[FillerParameter.VarianceNorm]

    FAN_IN: ClassVar[FillerParameter.VarianceNorm]
    FAN_OUT: ClassVar[FillerParameter.VarianceNorm]
    AVERAGE: ClassVar[FillerParameter.VarianceNorm]
    TYPE_FIELD_NUMBER: ClassVar[int]
    VALUE_FIELD_NUMBER: ClassVar[int]
    MIN_FIELD_NUMBER: ClassVar[int]
    MAX_FIELD_NUMBER: ClassVar[int]
    MEAN_FIELD_NUMBER: ClassVar[int]
    STD_FIELD_NUMBER: ClassVar[int]
    SPARSE_FIELD_NUMBER: ClassVar[int]
    VARIANCE_NORM_FIELD_NUMBER: ClassVar[int]
    type: str
    value: float
    min: float
    max: float
    mean: float
    std: float
    sparse: int
    variance_norm: FillerParameter.VarianceNorm
    def __init__(
        self,
        *,
        type: str | None = ...,
        value: float | None = ...,
        min: float | None = ...,
        max: float | None = ...,
        mean: float | None = ...,
        std: float | None = ...,
        sparse: int | None = ...,
        variance_norm: int | str | None = ...,
    ) -> None: ...

class NetParameter(Message):
    NAME_FIELD_NUMBER: ClassVar[int]
    INPUT_FIELD_NUMBER: ClassVar[int]
    INPUT_SHAPE_FIELD_NUMBER: ClassVar[int]
    INPUT_DIM_FIELD_NUMBER: ClassVar[int]
    FORCE_BACKWARD_FIELD_NUMBER: ClassVar[int]
    STATE_FIELD_NUMBER: ClassVar[int]
    DEBUG_INFO_FIELD_NUMBER: ClassVar[int]
    LAYER_FIELD_NUMBER: ClassVar[int]
    LAYERS_FIELD_NUMBER: ClassVar[int]
    DEFAULT_FORWARD_TYPE_FIELD_NUMBER: ClassVar[int]
    DEFAULT_BACKWARD_TYPE_FIELD_NUMBER: ClassVar[int]
    DEFAULT_FORWARD_MATH_FIELD_NUMBER: ClassVar[int]
    DEFAULT_BACKWARD_MATH_FIELD_NUMBER: ClassVar[int]
    GLOBAL_GRAD_SCALE_FIELD_NUMBER: ClassVar[int]
    GLOBAL_GRAD_SCALE_ADAPTIVE_FIELD_NUMBER: ClassVar[int]
    ELTWISE_MEM_SHARING_FIELD_NUMBER: ClassVar[int]
    SOURCE_FIELD_NUMBER: ClassVar[int]
    UNKNOWN_FIELD_NUMBER: ClassVar[int]
    name: str
    input: RepeatedScalarFieldContainer[str]
    input_shape: RepeatedCompositeFieldContainer[BlobShape]
    input_dim: RepeatedScalarFieldContainer[int]
    force_backward: bool
    state: NetState
    debug_info: bool
    layer: RepeatedCompositeFieldContainer[LayerParameter]
    layers: RepeatedCompositeFieldContainer[V1LayerParameter]
    default_forward_type: Type
    default_backward_type: Type
    default_forward_math: Type
    default_backward_math: Type
    global_grad_scale: float
    global_grad_scale_adaptive: bool
    eltwise_mem_sharing: bool
    source: Source
    unknown: RepeatedCompositeFieldContainer[UnknownField]
    def __init__(
        self,
        *,
        name: str | None = ...,
        input: Iterable[str] | None = ...,
        input_shape: Iterable[BlobShape] | None = ...,
        input_dim: Iterable[int] | None = ...,
        force_backward: bool | None = ...,
        state: NetState | None = ...,
        debug_info: bool | None = ...,
        layer: Iterable[LayerParameter] | None = ...,
        layers: Iterable[V1LayerParameter] | None = ...,
        default_forward_type: int | str | None = ...,
        default_backward_type: int | str | None = ...,
        default_forward_math: int | str | None = ...,
        default_backward_math: int | str | None = ...,
        global_grad_scale: float | None = ...,
        global_grad_scale_adaptive: bool | None = ...,
        eltwise_mem_sharing: bool | None = ...,
        source: Source | None = ...,
        unknown: Iterable[UnknownField] | None = ...,
    ) -> None: ...

class NetState(Message):
    PHASE_FIELD_NUMBER: ClassVar[int]
    LEVEL_FIELD_NUMBER: ClassVar[int]
    STAGE_FIELD_NUMBER: ClassVar[int]
    phase: Phase
    level: int
    stage: RepeatedScalarFieldContainer[str]
    def __init__(
        self,
        *,
        phase: int | str | None = ...,
        level: int | None = ...,
        stage: Iterable[str] | None = ...,
    ) -> None: ...

class NetStateRule(Message):
    PHASE_FIELD_NUMBER: ClassVar[int]
    MIN_LEVEL_FIELD_NUMBER: ClassVar[int]
    MAX_LEVEL_FIELD_NUMBER: ClassVar[int]
    STAGE_FIELD_NUMBER: ClassVar[int]
    NOT_STAGE_FIELD_NUMBER: ClassVar[int]
    phase: Phase
    min_level: int
    max_level: int
    stage: RepeatedScalarFieldContainer[str]
    not_stage: RepeatedScalarFieldContainer[str]
    def __init__(
        self,
        *,
        phase: int | str | None = ...,
        min_level: int | None = ...,
        max_level: int | None = ...,
        stage: Iterable[str] | None = ...,
        not_stage: Iterable[str] | None = ...,
    ) -> None: ...

class ParamSpec(Message):
    class _DimCheckModeMeta(EnumTypeWrapper[ParamSpec.DimCheckMode], builtins.type): ...

    class DimCheckMode(int, metaclass=_DimCheckModeMeta):
        STRICT: ClassVar[ParamSpec.DimCheckMode]
        PERMISSIVE: ClassVar[ParamSpec.DimCheckMode]

    STRICT: ClassVar[ParamSpec.DimCheckMode]
    PERMISSIVE: ClassVar[ParamSpec.DimCheckMode]
    NAME_FIELD_NUMBER: ClassVar[int]
    SHARE_MODE_FIELD_NUMBER: ClassVar[int]
    LR_MULT_FIELD_NUMBER: ClassVar[int]
    DECAY_MULT_FIELD_NUMBER: ClassVar[int]
    name: str
    share_mode: ParamSpec.DimCheckMode
    lr_mult: float
    decay_mult: float
    def __init__(
        self,
        *,
        name: str | None = ...,
        share_mode: int | str | None = ...,
        lr_mult: float | None = ...,
        decay_mult: float | None = ...,
    ) -> None: ...

class LayerParameter(Message):
    NAME_FIELD_NUMBER: ClassVar[int]
    TYPE_FIELD_NUMBER: ClassVar[int]
    BOTTOM_FIELD_NUMBER: ClassVar[int]
    TOP_FIELD_NUMBER: ClassVar[int]
    PHASE_FIELD_NUMBER: ClassVar[int]
    LOSS_WEIGHT_FIELD_NUMBER: ClassVar[int]
    PARAM_FIELD_NUMBER: ClassVar[int]
    BLOBS_FIELD_NUMBER: ClassVar[int]
    PROPAGATE_DOWN_FIELD_NUMBER: ClassVar[int]
    INCLUDE_FIELD_NUMBER: ClassVar[int]
    EXCLUDE_FIELD_NUMBER: ClassVar[int]
    TRANSFORM_PARAM_FIELD_NUMBER: ClassVar[int]
    LOSS_PARAM_FIELD_NUMBER: ClassVar[int]
    ACCURACY_PARAM_FIELD_NUMBER: ClassVar[int]
    ARGMAX_PARAM_FIELD_NUMBER: ClassVar[int]
    BATCH_NORM_PARAM_FIELD_NUMBER: ClassVar[int]
    BIAS_PARAM_FIELD_NUMBER: ClassVar[int]
    CLIP_PARAM_FIELD_NUMBER: ClassVar[int]
    CONCAT_PARAM_FIELD_NUMBER: ClassVar[int]
    CONTRASTIVE_LOSS_PARAM_FIELD_NUMBER: ClassVar[int]
    CONVOLUTION_PARAM_FIELD_NUMBER: ClassVar[int]
    CROP_PARAM_FIELD_NUMBER: ClassVar[int]
    DATA_PARAM_FIELD_NUMBER: ClassVar[int]
    DROPOUT_PARAM_FIELD_NUMBER: ClassVar[int]
    DUMMY_DATA_PARAM_FIELD_NUMBER: ClassVar[int]
    ELTWISE_PARAM_FIELD_NUMBER: ClassVar[int]
    ELU_PARAM_FIELD_NUMBER: ClassVar[int]
    EMBED_PARAM_FIELD_NUMBER: ClassVar[int]
    EXP_PARAM_FIELD_NUMBER: ClassVar[int]
    FLATTEN_PARAM_FIELD_NUMBER: ClassVar[int]
    HDF5_DATA_PARAM_FIELD_NUMBER: ClassVar[int]
    HDF5_OUTPUT_PARAM_FIELD_NUMBER: ClassVar[int]
    HINGE_LOSS_PARAM_FIELD_NUMBER: ClassVar[int]
    IMAGE_DATA_PARAM_FIELD_NUMBER: ClassVar[int]
    INFOGAIN_LOSS_PARAM_FIELD_NUMBER: ClassVar[int]
    INNER_PRODUCT_PARAM_FIELD_NUMBER: ClassVar[int]
    INPUT_PARAM_FIELD_NUMBER: ClassVar[int]
    LOG_PARAM_FIELD_NUMBER: ClassVar[int]
    LRN_PARAM_FIELD_NUMBER: ClassVar[int]
    MEMORY_DATA_PARAM_FIELD_NUMBER: ClassVar[int]
    MVN_PARAM_FIELD_NUMBER: ClassVar[int]
    PARAMETER_PARAM_FIELD_NUMBER: ClassVar[int]
    POOLING_PARAM_FIELD_NUMBER: ClassVar[int]
    POWER_PARAM_FIELD_NUMBER: ClassVar[int]
    PRELU_PARAM_FIELD_NUMBER: ClassVar[int]
    PYTHON_PARAM_FIELD_NUMBER: ClassVar[int]
    RECURRENT_PARAM_FIELD_NUMBER: ClassVar[int]
    REDUCTION_PARAM_FIELD_NUMBER: ClassVar[int]
    RELU_PARAM_FIELD_NUMBER: ClassVar[int]
    RESHAPE_PARAM_FIELD_NUMBER: ClassVar[int]
    SCALE_PARAM_FIELD_NUMBER: ClassVar[int]
    SIGMOID_PARAM_FIELD_NUMBER: ClassVar[int]
    SOFTMAX_PARAM_FIELD_NUMBER: ClassVar[int]
    SPP_PARAM_FIELD_NUMBER: ClassVar[int]
    SLICE_PARAM_FIELD_NUMBER: ClassVar[int]
    SWISH_PARAM_FIELD_NUMBER: ClassVar[int]
    TANH_PARAM_FIELD_NUMBER: ClassVar[int]
    THRESHOLD_PARAM_FIELD_NUMBER: ClassVar[int]
    TILE_PARAM_FIELD_NUMBER: ClassVar[int]
    WINDOW_DATA_PARAM_FIELD_NUMBER: ClassVar[int]
    ANNOTATED_DATA_PARAM_FIELD_NUMBER: ClassVar[int]
    MULTIBOX_LOSS_PARAM_FIELD_NUMBER: ClassVar[int]
    PERMUTE_PARAM_FIELD_NUMBER: ClassVar[int]
    PRIOR_BOX_PARAM_FIELD_NUMBER: ClassVar[int]
    DETECTION_OUTPUT_PARAM_FIELD_NUMBER: ClassVar[int]
    DETECTION_EVALUATE_PARAM_FIELD_NUMBER: ClassVar[int]
    NORM_PARAM_FIELD_NUMBER: ClassVar[int]
    VIDEO_DATA_PARAM_FIELD_NUMBER: ClassVar[int]
    ROI_POOLING_PARAM_FIELD_NUMBER: ClassVar[int]
    SMOOTH_L1_LOSS_PARAM_FIELD_NUMBER: ClassVar[int]
    BOX_ANNOTATOR_OHEM_PARAM_FIELD_NUMBER: ClassVar[int]
    PSROI_POOLING_PARAM_FIELD_NUMBER: ClassVar[int]
    PROPOSAL_PARAM_FIELD_NUMBER: ClassVar[int]
    BN_PARAM_FIELD_NUMBER: ClassVar[int]
    UPSAMPLE_PARAM_FIELD_NUMBER: ClassVar[int]
    DENSE_IMAGE_DATA_PARAM_FIELD_NUMBER: ClassVar[int]
    INTERP_PARAM_FIELD_NUMBER: ClassVar[int]
    SEG_ACCURACY_PARAM_FIELD_NUMBER: ClassVar[int]
    MULTI_STAGE_MEANFIELD_PARAM_FIELD_NUMBER: ClassVar[int]
    SHUFFLE_CHANNEL_PARAM_FIELD_NUMBER: ClassVar[int]
    REORG_PARAM_FIELD_NUMBER: ClassVar[int]
    REGION_LOSS_PARAM_FIELD_NUMBER: ClassVar[int]
    YOLO_DETECTION_OUTPUT_PARAM_FIELD_NUMBER: ClassVar[int]
    YOLOV3_DETECTION_OUTPUT_PARAM_FIELD_NUMBER: ClassVar[int]
    YOLOV3_PARAM_FIELD_NUMBER: ClassVar[int]
    LSTM_PARAM_FIELD_NUMBER: ClassVar[int]
    TRANSPOSE_PARAM_FIELD_NUMBER: ClassVar[int]
    REVERSE_PARAM_FIELD_NUMBER: ClassVar[int]
    CTC_DECODER_PARAM_FIELD_NUMBER: ClassVar[int]
    CTC_LOSS_PARAM_FIELD_NUMBER: ClassVar[int]
    WARPCTC_LOSS_PARAM_FIELD_NUMBER: ClassVar[int]
    CENTER_LOSS_PARAM_FIELD_NUMBER: ClassVar[int]
    TRIPLET_LOSS_PARAM_FIELD_NUMBER: ClassVar[int]
    MARGIN_INNER_PRODUCT_PARAM_FIELD_NUMBER: ClassVar[int]
    LABEL_SPECIFIC_ADD_PARAM_FIELD_NUMBER: ClassVar[int]
    FOCAL_LOSS_PARAM_FIELD_NUMBER: ClassVar[int]
    NORMALIZE_PARAM_FIELD_NUMBER: ClassVar[int]
    FLIP_PARAM_FIELD_NUMBER: ClassVar[int]
    CHANNEL_SCALE_PARAM_FIELD_NUMBER: ClassVar[int]
    DETECTNET_GROUNDTRUTH_PARAM_FIELD_NUMBER: ClassVar[int]
    DETECTNET_AUGMENTATION_PARAM_FIELD_NUMBER: ClassVar[int]
    CONVOLUTION3D_PARAM_FIELD_NUMBER: ClassVar[int]
    POOLING3D_PARAM_FIELD_NUMBER: ClassVar[int]
    FORWARD_TYPE_FIELD_NUMBER: ClassVar[int]
    BACKWARD_TYPE_FIELD_NUMBER: ClassVar[int]
    FORWARD_MATH_FIELD_NUMBER: ClassVar[int]
    BACKWARD_MATH_FIELD_NUMBER: ClassVar[int]
    ENGINE_FIELD_NUMBER: ClassVar[int]
    LAYER_NORM_PARAM_FIELD_NUMBER: ClassVar[int]
    RMS_NORM_PARAM_FIELD_NUMBER: ClassVar[int]
    GROUP_NORM_PARAM_FIELD_NUMBER: ClassVar[int]
    GELU_PARAM_FIELD_NUMBER: ClassVar[int]
    MATMUL_PARAM_FIELD_NUMBER: ClassVar[int]
    MULTI_HEAD_ATTENTION_PARAM_FIELD_NUMBER: ClassVar[int]
    DROP_PATH_PARAM_FIELD_NUMBER: ClassVar[int]
    SOURCE_FIELD_NUMBER: ClassVar[int]
    UNKNOWN_FIELD_NUMBER: ClassVar[int]
    name: str
    type: str
    bottom: RepeatedScalarFieldContainer[str]
    top: RepeatedScalarFieldContainer[str]
    phase: Phase
    loss_weight: RepeatedScalarFieldContainer[float]
    param: RepeatedCompositeFieldContainer[ParamSpec]
    blobs: RepeatedCompositeFieldContainer[BlobProto]
    propagate_down: RepeatedScalarFieldContainer[bool]
    include: RepeatedCompositeFieldContainer[NetStateRule]
    exclude: RepeatedCompositeFieldContainer[NetStateRule]
    transform_param: TransformationParameter
    loss_param: LossParameter
    accuracy_param: AccuracyParameter
    argmax_param: ArgMaxParameter
    batch_norm_param: BatchNormParameter
    bias_param: BiasParameter
    clip_param: ClipParameter
    concat_param: ConcatParameter
    contrastive_loss_param: ContrastiveLossParameter
    convolution_param: ConvolutionParameter
    crop_param: CropParameter
    data_param: DataParameter
    dropout_param: DropoutParameter
    dummy_data_param: DummyDataParameter
    eltwise_param: EltwiseParameter
    elu_param: ELUParameter
    embed_param: EmbedParameter
    exp_param: ExpParameter
    flatten_param: FlattenParameter
    hdf5_data_param: HDF5DataParameter
    hdf5_output_param: HDF5OutputParameter
    hinge_loss_param: HingeLossParameter
    image_data_param: ImageDataParameter
    infogain_loss_param: InfogainLossParameter
    inner_product_param: InnerProductParameter
    input_param: InputParameter
    log_param: LogParameter
    lrn_param: LRNParameter
    memory_data_param: MemoryDataParameter
    mvn_param: MVNParameter
    parameter_param: ParameterParameter
    pooling_param: PoolingParameter
    power_param: PowerParameter
    prelu_param: PReLUParameter
    python_param: PythonParameter
    recurrent_param: RecurrentParameter
    reduction_param: ReductionParameter
    relu_param: ReLUParameter
    reshape_param: ReshapeParameter
    scale_param: ScaleParameter
    sigmoid_param: SigmoidParameter
    softmax_param: SoftmaxParameter
    spp_param: SPPParameter
    slice_param: SliceParameter
    swish_param: SwishParameter
    tanh_param: TanHParameter
    threshold_param: ThresholdParameter
    tile_param: TileParameter
    window_data_param: WindowDataParameter
    annotated_data_param: AnnotatedDataParameter
    multibox_loss_param: MultiBoxLossParameter
    permute_param: PermuteParameter
    prior_box_param: PriorBoxParameter
    detection_output_param: DetectionOutputParameter
    detection_evaluate_param: DetectionEvaluateParameter
    norm_param: NormalizeParameter
    video_data_param: VideoDataParameter
    roi_pooling_param: ROIPoolingParameter
    smooth_l1_loss_param: SmoothL1LossParameter
    box_annotator_ohem_param: BoxAnnotatorOHEMParameter
    psroi_pooling_param: PSROIPoolingParameter
    proposal_param: ProposalParameter
    bn_param: BNParameter
    upsample_param: UpsampleParameter
    dense_image_data_param: DenseImageDataParameter
    interp_param: InterpParameter
    seg_accuracy_param: SegAccuracyParameter
    multi_stage_meanfield_param: MultiStageMeanfieldParameter
    shuffle_channel_param: ShuffleChannelParameter
    reorg_param: ReorgParameter
    region_loss_param: RegionLossParameter
    yolo_detection_output_param: YoloDetectionOutputParameter
    yolov3_detection_output_param: Yolov3DetectionOutputParameter
    yolov3_param: Yolov3Parameter
    lstm_param: LSTMParameter
    transpose_param: TransposeParameter
    reverse_param: ReverseParameter
    ctc_decoder_param: CTCDecoderParameter
    ctc_loss_param: CTCLossParameter
    warpctc_loss_param: CTCLossParameter
    center_loss_param: CenterLossParameter
    triplet_loss_param: TripletLossParameter
    margin_inner_product_param: MarginInnerProductParameter
    label_specific_add_param: LabelSpecificAddParameter
    focal_loss_param: FocalLossParameter
    normalize_param: NormalizeParameter
    flip_param: FlipParameter
    channel_scale_param: ChannelScaleParameter
    detectnet_groundtruth_param: DetectNetGroundTruthParameter
    detectnet_augmentation_param: DetectNetAugmentationParameter
    convolution3d_param: ConvolutionParameter
    pooling3d_param: PoolingParameter
    forward_type: Type
    backward_type: Type
    forward_math: Type
    backward_math: Type
    engine: str
    layer_norm_param: LayerNormParameter
    rms_norm_param: RMSNormParameter
    group_norm_param: GroupNormParameter
    gelu_param: GELUParameter
    matmul_param: MatMulParameter
    multi_head_attention_param: MultiHeadAttentionParameter
    drop_path_param: DropPathParameter
    source: Source
    unknown: RepeatedCompositeFieldContainer[UnknownField]
    def __init__(
        self,
        *,
        name: str | None = ...,
        type: str | None = ...,
        bottom: Iterable[str] | None = ...,
        top: Iterable[str] | None = ...,
        phase: int | str | None = ...,
        loss_weight: Iterable[float] | None = ...,
        param: Iterable[ParamSpec] | None = ...,
        blobs: Iterable[BlobProto] | None = ...,
        propagate_down: Iterable[bool] | None = ...,
        include: Iterable[NetStateRule] | None = ...,
        exclude: Iterable[NetStateRule] | None = ...,
        transform_param: TransformationParameter | None = ...,
        loss_param: LossParameter | None = ...,
        accuracy_param: AccuracyParameter | None = ...,
        argmax_param: ArgMaxParameter | None = ...,
        batch_norm_param: BatchNormParameter | None = ...,
        bias_param: BiasParameter | None = ...,
        clip_param: ClipParameter | None = ...,
        concat_param: ConcatParameter | None = ...,
        contrastive_loss_param: ContrastiveLossParameter | None = ...,
        convolution_param: ConvolutionParameter | None = ...,
        crop_param: CropParameter | None = ...,
        data_param: DataParameter | None = ...,
        dropout_param: DropoutParameter | None = ...,
        dummy_data_param: DummyDataParameter | None = ...,
        eltwise_param: EltwiseParameter | None = ...,
        elu_param: ELUParameter | None = ...,
        embed_param: EmbedParameter | None = ...,
        exp_param: ExpParameter | None = ...,
        flatten_param: FlattenParameter | None = ...,
        hdf5_data_param: HDF5DataParameter | None = ...,
        hdf5_output_param: HDF5OutputParameter | None = ...,
        hinge_loss_param: HingeLossParameter | None = ...,
        image_data_param: ImageDataParameter | None = ...,
        infogain_loss_param: InfogainLossParameter | None = ...,
        inner_product_param: InnerProductParameter | None = ...,
        input_param: InputParameter | None = ...,
        log_param: LogParameter | None = ...,
        lrn_param: LRNParameter | None = ...,
        memory_data_param: MemoryDataParameter | None = ...,
        mvn_param: MVNParameter | None = ...,
        parameter_param: ParameterParameter | None = ...,
        pooling_param: PoolingParameter | None = ...,
        power_param: PowerParameter | None = ...,
        prelu_param: PReLUParameter | None = ...,
        python_param: PythonParameter | None = ...,
        recurrent_param: RecurrentParameter | None = ...,
        reduction_param: ReductionParameter | None = ...,
        relu_param: ReLUParameter | None = ...,
        reshape_param: ReshapeParameter | None = ...,
        scale_param: ScaleParameter | None = ...,
        sigmoid_param: SigmoidParameter | None = ...,
        softmax_param: SoftmaxParameter | None = ...,
        spp_param: SPPParameter | None = ...,
        slice_param: SliceParameter | None = ...,
        swish_param: SwishParameter | None = ...,
        tanh_param: TanHParameter | None = ...,
        threshold_param: ThresholdParameter | None = ...,
        tile_param: TileParameter | None = ...,
        window_data_param: WindowDataParameter | None = ...,
        annotated_data_param: AnnotatedDataParameter | None = ...,
        multibox_loss_param: MultiBoxLossParameter | None = ...,
        permute_param: PermuteParameter | None = ...,
        prior_box_param: PriorBoxParameter | None = ...,
        detection_output_param: DetectionOutputParameter | None = ...,
        detection_evaluate_param: DetectionEvaluateParameter | None = ...,
        norm_param: NormalizeParameter | None = ...,
        video_data_param: VideoDataParameter | None = ...,
        roi_pooling_param: ROIPoolingParameter | None = ...,
        smooth_l1_loss_param: SmoothL1LossParameter | None = ...,
        box_annotator_ohem_param: BoxAnnotatorOHEMParameter | None = ...,
        psroi_pooling_param: PSROIPoolingParameter | None = ...,
        proposal_param: ProposalParameter | None = ...,
        bn_param: BNParameter | None = ...,
        upsample_param: UpsampleParameter | None = ...,
        dense_image_data_param: DenseImageDataParameter | None = ...,
        interp_param: InterpParameter | None = ...,
        seg_accuracy_param: SegAccuracyParameter | None = ...,
        multi_stage_meanfield_param: MultiStageMeanfieldParameter | None = ...,
        shuffle_channel_param: ShuffleChannelParameter | None = ...,
        reorg_param: ReorgParameter | None = ...,
        region_loss_param: RegionLossParameter | None = ...,
        yolo_detection_output_param: YoloDetectionOutputParameter | None = ...,
        yolov3_detection_output_param: Yolov3DetectionOutputParameter | None = ...,
        yolov3_param: Yolov3Parameter | None = ...,
        lstm_param: LSTMParameter | None = ...,
        transpose_param: TransposeParameter | None = ...,
        reverse_param: ReverseParameter | None = ...,
        ctc_decoder_param: CTCDecoderParameter | None = ...,
        ctc_loss_param: CTCLossParameter | None = ...,
        warpctc_loss_param: CTCLossParameter | None = ...,
        center_loss_param: CenterLossParameter | None = ...,
        triplet_loss_param: TripletLossParameter | None = ...,
        margin_inner_product_param: MarginInnerProductParameter | None = ...,
        label_specific_add_param: LabelSpecificAddParameter | None = ...,
        focal_loss_param: FocalLossParameter | None = ...,
        normalize_param: NormalizeParameter | None = ...,
        flip_param: FlipParameter | None = ...,
        channel_scale_param: ChannelScaleParameter | None = ...,
        detectnet_groundtruth_param: DetectNetGroundTruthParameter | None = ...,
        detectnet_augmentation_param: DetectNetAugmentationParameter | None = ...,
        convolution3d_param: ConvolutionParameter | None = ...,
        pooling3d_param: PoolingParameter | None = ...,
        forward_type: int | str | None = ...,
        backward_type: int | str | None = ...,
        forward_math: int | str | None = ...,
        backward_math: int | str | None = ...,
        engine: str | None = ...,
        layer_norm_param: LayerNormParameter | None = ...,
        rms_norm_param: RMSNormParameter | None = ...,
        group_norm_param: GroupNormParameter | None = ...,
        gelu_param: GELUParameter | None = ...,
        matmul_param: MatMulParameter | None = ...,
        multi_head_attention_param: MultiHeadAttentionParameter | None = ...,
        drop_path_param: DropPathParameter | None = ...,
        source: Source | None = ...,
        unknown: Iterable[UnknownField] | None = ...,
    ) -> None: ...

class SolverParameter(Message):
    class _SnapshotFormatMeta(EnumTypeWrapper[SolverParameter.SnapshotFormat], builtins.type): ...

    class SnapshotFormat(int, metaclass=_SnapshotFormatMeta):
        HDF5: ClassVar[SolverParameter.SnapshotFormat]
        BINARYPROTO: ClassVar[SolverParameter.SnapshotFormat]

    HDF5: ClassVar[SolverParameter.SnapshotFormat]
    BINARYPROTO: ClassVar[SolverParameter.SnapshotFormat]
    class _SolverModeMeta(EnumTypeWrapper[SolverParameter.SolverMode], builtins.type): ...

    class SolverMode(int, metaclass=_SolverModeMeta):
        CPU: ClassVar[SolverParameter.SolverMode]
        GPU: ClassVar[SolverParameter.SolverMode]

    CPU: ClassVar[SolverParameter.SolverMode]
    GPU: ClassVar[SolverParameter.SolverMode]
    class _SolverTypeMeta(EnumTypeWrapper[SolverParameter.SolverType], builtins.type): ...

    class SolverType(int, metaclass=_SolverTypeMeta):
        SGD: ClassVar[SolverParameter.SolverType]
        NESTEROV: ClassVar[SolverParameter.SolverType]
        ADAGRAD: ClassVar[SolverParameter.SolverType]
        RMSPROP: ClassVar[SolverParameter.SolverType]
        ADADELTA: ClassVar[SolverParameter.SolverType]
        ADAM: ClassVar[SolverParameter.SolverType]

    SGD: ClassVar[SolverParameter.SolverType]
    NESTEROV: ClassVar[SolverParameter.SolverType]
    ADAGRAD: ClassVar[SolverParameter.SolverType]
    RMSPROP: ClassVar[SolverParameter.SolverType]
    ADADELTA: ClassVar[SolverParameter.SolverType]
    ADAM: ClassVar[SolverParameter.SolverType]
    NET_FIELD_NUMBER: ClassVar[int]
    NET_PARAM_FIELD_NUMBER: ClassVar[int]
    TRAIN_NET_FIELD_NUMBER: ClassVar[int]
    TEST_NET_FIELD_NUMBER: ClassVar[int]
    TRAIN_NET_PARAM_FIELD_NUMBER: ClassVar[int]
    TEST_NET_PARAM_FIELD_NUMBER: ClassVar[int]
    TRAIN_STATE_FIELD_NUMBER: ClassVar[int]
    TEST_STATE_FIELD_NUMBER: ClassVar[int]
    TEST_ITER_FIELD_NUMBER: ClassVar[int]
    TEST_INTERVAL_FIELD_NUMBER: ClassVar[int]
    TEST_COMPUTE_LOSS_FIELD_NUMBER: ClassVar[int]
    TEST_INITIALIZATION_FIELD_NUMBER: ClassVar[int]
    BASE_LR_FIELD_NUMBER: ClassVar[int]
    DISPLAY_FIELD_NUMBER: ClassVar[int]
    AVERAGE_LOSS_FIELD_NUMBER: ClassVar[int]
    MAX_ITER_FIELD_NUMBER: ClassVar[int]
    ITER_SIZE_FIELD_NUMBER: ClassVar[int]
    LR_POLICY_FIELD_NUMBER: ClassVar[int]
    GAMMA_FIELD_NUMBER: ClassVar[int]
    POWER_FIELD_NUMBER: ClassVar[int]
    MOMENTUM_FIELD_NUMBER: ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: ClassVar[int]
    REGULARIZATION_TYPE_FIELD_NUMBER: ClassVar[int]
    STEPSIZE_FIELD_NUMBER: ClassVar[int]
    STEPVALUE_FIELD_NUMBER: ClassVar[int]
    CLIP_GRADIENTS_FIELD_NUMBER: ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: ClassVar[int]
    SNAPSHOT_PREFIX_FIELD_NUMBER: ClassVar[int]
    SNAPSHOT_DIFF_FIELD_NUMBER: ClassVar[int]
    SNAPSHOT_FORMAT_FIELD_NUMBER: ClassVar[int]
    SOLVER_MODE_FIELD_NUMBER: ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: ClassVar[int]
    RANDOM_SEED_FIELD_NUMBER: ClassVar[int]
    TYPE_FIELD_NUMBER: ClassVar[int]
    DELTA_FIELD_NUMBER: ClassVar[int]
    MOMENTUM2_FIELD_NUMBER: ClassVar[int]
    RMS_DECAY_FIELD_NUMBER: ClassVar[int]
    DEBUG_INFO_FIELD_NUMBER: ClassVar[int]
    SNAPSHOT_AFTER_TRAIN_FIELD_NUMBER: ClassVar[int]
    SOLVER_TYPE_FIELD_NUMBER: ClassVar[int]
    LAYER_WISE_REDUCE_FIELD_NUMBER: ClassVar[int]
    WEIGHTS_FIELD_NUMBER: ClassVar[int]
    WARMUP_ITER_FIELD_NUMBER: ClassVar[int]
    WARMUP_START_LR_FIELD_NUMBER: ClassVar[int]
    RAMPUP_INTERVAL_FIELD_NUMBER: ClassVar[int]
    RAMPUP_LR_FIELD_NUMBER: ClassVar[int]
    MIN_LR_FIELD_NUMBER: ClassVar[int]
    STAGELR_FIELD_NUMBER: ClassVar[int]
    STAGEITER_FIELD_NUMBER: ClassVar[int]
    PLATEAU_WINSIZE_FIELD_NUMBER: ClassVar[int]
    LARC_FIELD_NUMBER: ClassVar[int]
    LARC_POLICY_FIELD_NUMBER: ClassVar[int]
    LARC_ETA_FIELD_NUMBER: ClassVar[int]
    LOCAL_LR_AUTO_FIELD_NUMBER: ClassVar[int]
    LOCAL_GW_RATIO_FIELD_NUMBER: ClassVar[int]
    EVAL_TYPE_FIELD_NUMBER: ClassVar[int]
    AP_VERSION_FIELD_NUMBER: ClassVar[int]
    SHOW_PER_CLASS_RESULT_FIELD_NUMBER: ClassVar[int]
    SOURCE_FIELD_NUMBER: ClassVar[int]
    UNKNOWN_FIELD_NUMBER: ClassVar[int]
    net: str
    net_param: NetParameter
    train_net: str
    test_net: RepeatedScalarFieldContainer[str]
    train_net_param: NetParameter
    test_net_param: RepeatedCompositeFieldContainer[NetParameter]
    train_state: NetState
    test_state: RepeatedCompositeFieldContainer[NetState]
    test_iter: RepeatedScalarFieldContainer[int]
    test_interval: int
    test_compute_loss: bool
    test_initialization: bool
    base_lr: float
    display: int
    average_loss: int
    max_iter: int
    iter_size: int
    lr_policy: str
    gamma: float
    power: float
    momentum: float
    weight_decay: float
    regularization_type: str
    stepsize: int
    stepvalue: RepeatedScalarFieldContainer[int]
    clip_gradients: float
    snapshot: int
    snapshot_prefix: str
    snapshot_diff: bool
    snapshot_format: SolverParameter.SnapshotFormat
    solver_mode: SolverParameter.SolverMode
    device_id: int
    random_seed: int
    type: str
    delta: float
    momentum2: float
    rms_decay: float
    debug_info: bool
    snapshot_after_train: bool
    solver_type: SolverParameter.SolverType
    layer_wise_reduce: bool
    weights: RepeatedScalarFieldContainer[str]
    warmup_iter: int
    warmup_start_lr: float
    rampup_interval: int
    rampup_lr: float
    min_lr: float
    stagelr: RepeatedScalarFieldContainer[float]
    stageiter: RepeatedScalarFieldContainer[int]
    plateau_winsize: RepeatedScalarFieldContainer[int]
    larc: bool
    larc_policy: str
    larc_eta: float
    local_lr_auto: bool
    local_gw_ratio: float
    eval_type: str
    ap_version: str
    show_per_class_result: bool
    source: Source
    unknown: RepeatedCompositeFieldContainer[UnknownField]
    def __init__(
        self,
        *,
        net: str | None = ...,
        net_param: NetParameter | None = ...,
        train_net: str | None = ...,
        test_net: Iterable[str] | None = ...,
        train_net_param: NetParameter | None = ...,
        test_net_param: Iterable[NetParameter] | None = ...,
        train_state: NetState | None = ...,
        test_state: Iterable[NetState] | None = ...,
        test_iter: Iterable[int] | None = ...,
        test_interval: int | None = ...,
        test_compute_loss: bool | None = ...,
        test_initialization: bool | None = ...,
        base_lr: float | None = ...,
        display: int | None = ...,
        average_loss: int | None = ...,
        max_iter: int | None = ...,
        iter_size: int | None = ...,
        lr_policy: str | None = ...,
        gamma: float | None = ...,
        power: float | None = ...,
        momentum: float | None = ...,
        weight_decay: float | None = ...,
        regularization_type: str | None = ...,
        stepsize: int | None = ...,
        stepvalue: Iterable[int] | None = ...,
        clip_gradients: float | None = ...,
        snapshot: int | None = ...,
        snapshot_prefix: str | None = ...,
        snapshot_diff: bool | None = ...,
        snapshot_format: int | str | None = ...,
        solver_mode: int | str | None = ...,
        device_id: int | None = ...,
        random_seed: int | None = ...,
        type: str | None = ...,
        delta: float | None = ...,
        momentum2: float | None = ...,
        rms_decay: float | None = ...,
        debug_info: bool | None = ...,
        snapshot_after_train: bool | None = ...,
        solver_type: int | str | None = ...,
        layer_wise_reduce: bool | None = ...,
        weights: Iterable[str] | None = ...,
        warmup_iter: int | None = ...,
        warmup_start_lr: float | None = ...,
        rampup_interval: int | None = ...,
        rampup_lr: float | None = ...,
        min_lr: float | None = ...,
        stagelr: Iterable[float] | None = ...,
        stageiter: Iterable[int] | None = ...,
        plateau_winsize: Iterable[int] | None = ...,
        larc: bool | None = ...,
        larc_policy: str | None = ...,
        larc_eta: float | None = ...,
        local_lr_auto: bool | None = ...,
        local_gw_ratio: float | None = ...,
        eval_type: str | None = ...,
        ap_version: str | None = ...,
        show_per_class_result: bool | None = ...,
        source: Source | None = ...,
        unknown: Iterable[UnknownField] | None = ...,
    ) -> None: ...

class SolverState(Message):
    ITER_FIELD_NUMBER: ClassVar[int]
    LEARNED_NET_FIELD_NUMBER: ClassVar[int]
    HISTORY_FIELD_NUMBER: ClassVar[int]
    CURRENT_STEP_FIELD_NUMBER: ClassVar[int]
    MINIMUM_LOSS_FIELD_NUMBER: ClassVar[int]
    ITER_LAST_EVENT_FIELD_NUMBER: ClassVar[int]
    WEIGHTS_SHA256_FIELD_NUMBER: ClassVar[int]
    RANDOM_SEED_FIELD_NUMBER: ClassVar[int]
    SOLVER_TYPE_FIELD_NUMBER: ClassVar[int]
    LAYER_STATE_FIELD_NUMBER: ClassVar[int]
    SMOOTHED_LOSS_FIELD_NUMBER: ClassVar[int]
    NETCFG_VERSION_FIELD_NUMBER: ClassVar[int]
    METADATA_FIELD_NUMBER: ClassVar[int]
    iter: int
    learned_net: str
    history: RepeatedCompositeFieldContainer[BlobProto]
    current_step: int
    minimum_loss: float
    iter_last_event: int
    weights_sha256: bytes
    random_seed: int
    solver_type: str
    layer_state: RepeatedCompositeFieldContainer[LayerState]
    smoothed_loss: RepeatedScalarFieldContainer[float]
    netcfg_version: str
    metadata: RepeatedCompositeFieldContainer[NamedValue]
    def __init__(
        self,
        *,
        iter: int | None = ...,
        learned_net: str | None = ...,
        history: Iterable[BlobProto] | None = ...,
        current_step: int | None = ...,
        minimum_loss: float | None = ...,
        iter_last_event: int | None = ...,
        weights_sha256: bytes | None = ...,
        random_seed: int | None = ...,
        solver_type: str | None = ...,
        layer_state: Iterable[LayerState] | None = ...,
        smoothed_loss: Iterable[float] | None = ...,
        netcfg_version: str | None = ...,
        metadata: Iterable[NamedValue] | None = ...,
    ) -> None: ...

class LayerState(Message):
    NET_FIELD_NUMBER: ClassVar[int]
    LAYER_FIELD_NUMBER: ClassVar[int]
    STEP_FIELD_NUMBER: ClassVar[int]
    VALUES_FIELD_NUMBER: ClassVar[int]
    net: str
    layer: str
    step: int
    values: RepeatedCompositeFieldContainer[NamedBlob]
    def __init__(
        self,
        *,
        net: str | None = ...,
        layer: str | None = ...,
        step: int | None = ...,
        values: Iterable[NamedBlob] | None = ...,
    ) -> None: ...

class NamedBlob(Message):
    NAME_FIELD_NUMBER: ClassVar[int]
    DTYPE_FIELD_NUMBER: ClassVar[int]
    DIM_FIELD_NUMBER: ClassVar[int]
    DATA_FIELD_NUMBER: ClassVar[int]
    name: str
    dtype: str
    dim: RepeatedScalarFieldContainer[int]
    data: bytes
    def __init__(
        self,
        *,
        name: str | None = ...,
        dtype: str | None = ...,
        dim: Iterable[int] | None = ...,
        data: bytes | None = ...,
    ) -> None: ...

class NamedValue(Message):
    NAME_FIELD_NUMBER: ClassVar[int]
    VALUE_FIELD_NUMBER: ClassVar[int]
    name: str
    value: str
    def __init__(
        self,
        *,
        name: str | None = ...,
        value: str | None = ...,
    ) -> None: ...

class AccuracyParameter(Message):
    TOP_K_FIELD_NUMBER: ClassVar[int]
    AXIS_FIELD_NUMBER: ClassVar[int]
    IGNORE_LABEL_FIELD_NUMBER: ClassVar[int]
    top_k: int
    axis: int
    ignore_label: int
    def __init__(
        self,
        *,
        top_k: int | None = ...,
        axis: int | None = ...,
        ignore_label: int | None = ...,
    ) -> None: ...

class ArgMaxParameter(Message):
    OUT_MAX_VAL_FIELD_NUMBER: ClassVar[int]
    TOP_K_FIELD_NUMBER: ClassVar[int]
    AXIS_FIELD_NUMBER: ClassVar[int]
    out_max_val: bool
    top_k: int
    axis: int
    def __init__(
        self,
        *,
        out_max_val: bool | None = ...,
        top_k: int | None = ...,
        axis: int | None = ...,
    ) -> None: ...

class BatchNormParameter(Message):
    class _EngineMeta(EnumTypeWrapper[BatchNormParameter.Engine], builtins.type): ...

    class Engine(int, metaclass=_EngineMeta):
        DEFAULT: ClassVar[BatchNormParameter.Engine]
        CAFFE: ClassVar[BatchNormParameter.Engine]
        CUDNN: ClassVar[BatchNormParameter.Engine]
        MKL2017: ClassVar[BatchNormParameter.Engine]
        MKLDNN: ClassVar[BatchNormParameter.Engine]

    DEFAULT: ClassVar[BatchNormParameter.Engine]
    CAFFE: ClassVar[BatchNormParameter.Engine]
    CUDNN: ClassVar[BatchNormParameter.Engine]
    MKL2017: ClassVar[BatchNormParameter.Engine]
    MKLDNN: ClassVar[BatchNormParameter.Engine]
    USE_GLOBAL_STATS_FIELD_NUMBER: ClassVar[int]
    MOVING_AVERAGE_FRACTION_FIELD_NUMBER: ClassVar[int]
    EPS_FIELD_NUMBER: ClassVar[int]
    SCALE_FILLER_FIELD_NUMBER: ClassVar[int]
    BIAS_FILLER_FIELD_NUMBER: ClassVar[int]
    SCALE_BIAS_FIELD_NUMBER: ClassVar[int]
    ENGINE_FIELD_NUMBER: ClassVar[int]
    FILLER_FIELD_NUMBER: ClassVar[int]
    USE_WEIGHT_BIAS_FIELD_NUMBER: ClassVar[int]
    use_global_stats: bool
    moving_average_fraction: float
    eps: float
    scale_filler: FillerParameter
    bias_filler: FillerParameter
    scale_bias: bool
    engine: BatchNormParameter.Engine
    filler: FillerParameter
    use_weight_bias: bool
    def __init__(
        self,
        *,
        use_global_stats: bool | None = ...,
        moving_average_fraction: float | None = ...,
        eps: float | None = ...,
        scale_filler: FillerParameter | None = ...,
        bias_filler: FillerParameter | None = ...,
        scale_bias: bool | None = ...,
        engine: int | str | None = ...,
        filler: FillerParameter | None = ...,
        use_weight_bias: bool | None = ...,
    ) -> None: ...

class BiasParameter(Message):
    AXIS_FIELD_NUMBER: ClassVar[int]
    NUM_AXES_FIELD_NUMBER: ClassVar[int]
    FILLER_FIELD_NUMBER: ClassVar[int]
    axis: int
    num_axes: int
    filler: FillerParameter
    def __init__(
        self,
        *,
        axis: int | None = ...,
        num_axes: int | None = ...,
        filler: FillerParameter | None = ...,
    ) -> None: ...

class ClipParameter(Message):
    MIN_FIELD_NUMBER: ClassVar[int]
    MAX_FIELD_NUMBER: ClassVar[int]
    min: float
    max: float
    def __init__(
        self,
        *,
        min: float | None = ...,
        max: float | None = ...,
    ) -> None: ...

class ConcatParameter(Message):
    AXIS_FIELD_NUMBER: ClassVar[int]
    CONCAT_DIM_FIELD_NUMBER: ClassVar[int]
    axis: int
    concat_dim: int
    def __init__(
        self,
        *,
        axis: int | None = ...,
        concat_dim: int | None = ...,
    ) -> None: ...

class ContrastiveLossParameter(Message):
    MARGIN_FIELD_NUMBER: ClassVar[int]
    LEGACY_VERSION_FIELD_NUMBER: ClassVar[int]
    margin: float
    legacy_version: bool
    def __init__(
        self,
        *,
        margin: float | None = ...,
        legacy_version: bool | None = ...,
    ) -> None: ...

class ConvolutionParameter(Message):
    class _EngineMeta(EnumTypeWrapper[ConvolutionParameter.Engine], builtins.type): ...

    class Engine(int, metaclass=_EngineMeta):
        DEFAULT: ClassVar[ConvolutionParameter.Engine]
        CAFFE: ClassVar[ConvolutionParameter.Engine]
        CUDNN: ClassVar[ConvolutionParameter.Engine]
        MKL2017: ClassVar[ConvolutionParameter.Engine]
        MKLDNN: ClassVar[ConvolutionParameter.Engine]

    DEFAULT: ClassVar[ConvolutionParameter.Engine]
    CAFFE: ClassVar[ConvolutionParameter.Engine]
    CUDNN: ClassVar[ConvolutionParameter.Engine]
    MKL2017: ClassVar[ConvolutionParameter.Engine]
    MKLDNN: ClassVar[ConvolutionParameter.Engine]
    NUM_OUTPUT_FIELD_NUMBER: ClassVar[int]
    BIAS_TERM_FIELD_NUMBER: ClassVar[int]
    PAD_FIELD_NUMBER: ClassVar[int]
    KERNEL_SIZE_FIELD_NUMBER: ClassVar[int]
    STRIDE_FIELD_NUMBER: ClassVar[int]
    DILATION_FIELD_NUMBER: ClassVar[int]
    PAD_H_FIELD_NUMBER: ClassVar[int]
    PAD_W_FIELD_NUMBER: ClassVar[int]
    KERNEL_H_FIELD_NUMBER: ClassVar[int]
    KERNEL_W_FIELD_NUMBER: ClassVar[int]
    STRIDE_H_FIELD_NUMBER: ClassVar[int]
    STRIDE_W_FIELD_NUMBER: ClassVar[int]
    GROUP_FIELD_NUMBER: ClassVar[int]
    WEIGHT_FILLER_FIELD_NUMBER: ClassVar[int]
    BIAS_FILLER_FIELD_NUMBER: ClassVar[int]
    ENGINE_FIELD_NUMBER: ClassVar[int]
    AXIS_FIELD_NUMBER: ClassVar[int]
    FORCE_ND_IM2COL_FIELD_NUMBER: ClassVar[int]
    HOLE_FIELD_NUMBER: ClassVar[int]
    HOLE_H_FIELD_NUMBER: ClassVar[int]
    HOLE_W_FIELD_NUMBER: ClassVar[int]
    PAD_L_FIELD_NUMBER: ClassVar[int]
    PAD_R_FIELD_NUMBER: ClassVar[int]
    PAD_T_FIELD_NUMBER: ClassVar[int]
    PAD_B_FIELD_NUMBER: ClassVar[int]
    KERNEL_DEPTH_FIELD_NUMBER: ClassVar[int]
    TEMPORAL_PAD_FIELD_NUMBER: ClassVar[int]
    TEMPORAL_STRIDE_FIELD_NUMBER: ClassVar[int]
    num_output: int
    bias_term: bool
    pad: RepeatedScalarFieldContainer[int]
    kernel_size: RepeatedScalarFieldContainer[int]
    stride: RepeatedScalarFieldContainer[int]
    dilation: RepeatedScalarFieldContainer[int]
    pad_h: int
    pad_w: int
    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    group: int
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    engine: ConvolutionParameter.Engine
    axis: int
    force_nd_im2col: bool
    hole: int
    hole_h: int
    hole_w: int
    pad_l: int
    pad_r: int
    pad_t: int
    pad_b: int
    kernel_depth: int
    temporal_pad: int
    temporal_stride: int
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        bias_term: bool | None = ...,
        pad: Iterable[int] | None = ...,
        kernel_size: Iterable[int] | None = ...,
        stride: Iterable[int] | None = ...,
        dilation: Iterable[int] | None = ...,
        pad_h: int | None = ...,
        pad_w: int | None = ...,
        kernel_h: int | None = ...,
        kernel_w: int | None = ...,
        stride_h: int | None = ...,
        stride_w: int | None = ...,
        group: int | None = ...,
        weight_filler: FillerParameter | None = ...,
        bias_filler: FillerParameter | None = ...,
        engine: int | str | None = ...,
        axis: int | None = ...,
        force_nd_im2col: bool | None = ...,
        hole: int | None = ...,
        hole_h: int | None = ...,
        hole_w: int | None = ...,
        pad_l: int | None = ...,
        pad_r: int | None = ...,
        pad_t: int | None = ...,
        pad_b: int | None = ...,
        kernel_depth: int | None = ...,
        temporal_pad: int | None = ...,
        temporal_stride: int | None = ...,
    ) -> None: ...

class CropParameter(Message):
    AXIS_FIELD_NUMBER: ClassVar[int]
    OFFSET_FIELD_NUMBER: ClassVar[int]
    axis: int
    offset: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        axis: int | None = ...,
        offset: Iterable[int] | None = ...,
    ) -> None: ...

class DropoutParameter(Message):
    DROPOUT_RATIO_FIELD_NUMBER: ClassVar[int]
    SCALE_TRAIN_FIELD_NUMBER: ClassVar[int]
    SAMPLE_WEIGHTS_TEST_FIELD_NUMBER: ClassVar[int]
    dropout_ratio: float
    scale_train: bool
    sample_weights_test: bool
    def __init__(
        self,
        *,
        dropout_ratio: float | None = ...,
        scale_train: bool | None = ...,
        sample_weights_test: bool | None = ...,
    ) -> None: ...

class EltwiseParameter(Message):
    class _EltwiseOpMeta(EnumTypeWrapper[EltwiseParameter.EltwiseOp], builtins.type): ...

    class EltwiseOp(int, metaclass=_EltwiseOpMeta):
        PROD: ClassVar[EltwiseParameter.EltwiseOp]
        SUM: ClassVar[EltwiseParameter.EltwiseOp]
        MAX: ClassVar[EltwiseParameter.EltwiseOp]

    PROD: ClassVar[EltwiseParameter.EltwiseOp]
    SUM: ClassVar[EltwiseParameter.EltwiseOp]
    MAX: ClassVar[EltwiseParameter.EltwiseOp]
    OPERATION_FIELD_NUMBER: ClassVar[int]
    COEFF_FIELD_NUMBER: ClassVar[int]
    STABLE_PROD_GRAD_FIELD_NUMBER: ClassVar[int]
    operation: EltwiseParameter.EltwiseOp
    coeff: RepeatedScalarFieldContainer[float]
    stable_prod_grad: bool
    def __init__(
        self,
        *,
        operation: int | str | None = ...,
        coeff: Iterable[float] | None = ...,
        stable_prod_grad: bool | None = ...,
    ) -> None: ...

class ELUParameter(Message):
    ALPHA_FIELD_NUMBER: ClassVar[int]
    alpha: float
    def __init__(
        self,
        *,
        alpha: float | None = ...,
    ) -> None: ...

class EmbedParameter(Message):
    NUM_OUTPUT_FIELD_NUMBER: ClassVar[int]
    INPUT_DIM_FIELD_NUMBER: ClassVar[int]
    BIAS_TERM_FIELD_NUMBER: ClassVar[int]
    WEIGHT_FILLER_FIELD_NUMBER: ClassVar[int]
    BIAS_FILLER_FIELD_NUMBER: ClassVar[int]
    num_output: int
    input_dim: int
    bias_term: bool
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        input_dim: int | None = ...,
        bias_term: bool | None = ...,
        weight_filler: FillerParameter | None = ...,
        bias_filler: FillerParameter | None = ...,
    ) -> None: ...

class ExpParameter(Message):
    BASE_FIELD_NUMBER: ClassVar[int]
    SCALE_FIELD_NUMBER: ClassVar[int]
    SHIFT_FIELD_NUMBER: ClassVar[int]
    base: float
    scale: float
    shift: float
    def __init__(
        self,
        *,
        base: float | None = ...,
        scale: float | None = ...,
        shift: float | None = ...,
    ) -> None: ...

class FlattenParameter(Message):
    AXIS_FIELD_NUMBER: ClassVar[int]
    END_AXIS_FIELD_NUMBER: ClassVar[int]
    axis: int
    end_axis: int
    def __init__(
        self,
        *,
        axis: int | None = ...,
        end_axis: int | None = ...,
    ) -> None: ...

class HingeLossParameter(Message):
    class _NormMeta(EnumTypeWrapper[HingeLossParameter.Norm], builtins.type): ...

    class Norm(int, metaclass=_NormMeta):
        L1: ClassVar[HingeLossParameter.Norm]
        L2: ClassVar[HingeLossParameter.Norm]

    L1: ClassVar[HingeLossParameter.Norm]
    L2: ClassVar[HingeLossParameter.Norm]
    NORM_FIELD_NUMBER: ClassVar[int]
    norm: HingeLossParameter.Norm
    def __init__(
        self,
        *,
        norm: int | str | None = ...,
    ) -> None: ...

class InfogainLossParameter(Message):
    SOURCE_FIELD_NUMBER: ClassVar[int]
    AXIS_FIELD_NUMBER: ClassVar[int]
    source: str
    axis: int
    def __init__(
        self,
        *,
        source: str | None = ...,
        axis: int | None = ...,
    ) -> None: ...

class InnerProductParameter(Message):
    NUM_OUTPUT_FIELD_NUMBER: ClassVar[int]
    BIAS_TERM_FIELD_NUMBER: ClassVar[int]
    WEIGHT_FILLER_FIELD_NUMBER: ClassVar[int]
    BIAS_FILLER_FIELD_NUMBER: ClassVar[int]
    AXIS_FIELD_NUMBER: ClassVar[int]
    TRANSPOSE_FIELD_NUMBER: ClassVar[int]
    NORMALIZE_FIELD_NUMBER: ClassVar[int]
    num_output: int
    bias_term: bool
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    axis: int
    transpose: bool
    normalize: bool
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        bias_term: bool | None = ...,
        weight_filler: FillerParameter | None = ...,
        bias_filler: FillerParameter | None = ...,
        axis: int | None = ...,
        transpose: bool | None = ...,
        normalize: bool | None = ...,
    ) -> None: ...

class LogParameter(Message):
    BASE_FIELD_NUMBER: ClassVar[int]
    SCALE_FIELD_NUMBER: ClassVar[int]
    SHIFT_FIELD_NUMBER: ClassVar[int]
    base: float
    scale: float
    shift: float
    def __init__(
        self,
        *,
        base: float | None = ...,
        scale: float | None = ...,
        shift: float | None = ...,
    ) -> None: ...

class LossParameter(Message):
    class _NormalizationModeMeta(EnumTypeWrapper[LossParameter.NormalizationMode], builtins.type): ...

    class NormalizationMode(int, metaclass=_NormalizationModeMeta):
        FULL: ClassVar[LossParameter.NormalizationMode]
        VALID: ClassVar[LossParameter.NormalizationMode]
        BATCH_SIZE: ClassVar[LossParameter.NormalizationMode]
        NONE: ClassVar[LossParameter.NormalizationMode]
        PRE_FIXED: ClassVar[LossParameter.NormalizationMode]

    FULL: ClassVar[LossParameter.NormalizationMode]
    VALID: ClassVar[LossParameter.NormalizationMode]
    BATCH_SIZE: ClassVar[LossParameter.NormalizationMode]
    NONE: ClassVar[LossParameter.NormalizationMode]
    PRE_FIXED: ClassVar[LossParameter.NormalizationMode]
    IGNORE_LABEL_FIELD_NUMBER: ClassVar[int]
    NORMALIZATION_FIELD_NUMBER: ClassVar[int]
    NORMALIZE_FIELD_NUMBER: ClassVar[int]
    PRE_FIXED_NORMALIZER_FIELD_NUMBER: ClassVar[int]
    LABEL_SMOOTHING_FIELD_NUMBER: ClassVar[int]
    WEIGHT_BY_LABEL_FREQS_FIELD_NUMBER: ClassVar[int]
    CLASS_WEIGHTING_FIELD_NUMBER: ClassVar[int]
    ignore_label: int
    normalization: LossParameter.NormalizationMode
    normalize: bool
    pre_fixed_normalizer: float
    label_smoothing: float
    weight_by_label_freqs: bool
    class_weighting: RepeatedScalarFieldContainer[float]
    def __init__(
        self,
        *,
        ignore_label: int | None = ...,
        normalization: int | str | None = ...,
        normalize: bool | None = ...,
        pre_fixed_normalizer: float | None = ...,
        label_smoothing: float | None = ...,
        weight_by_label_freqs: bool | None = ...,
        class_weighting: Iterable[float] | None = ...,
    ) -> None: ...

class LRNParameter(Message):
    class _NormRegionMeta(EnumTypeWrapper[LRNParameter.NormRegion], builtins.type): ...

    class NormRegion(int, metaclass=_NormRegionMeta):
        ACROSS_CHANNELS: ClassVar[LRNParameter.NormRegion]
        WITHIN_CHANNEL: ClassVar[LRNParameter.NormRegion]

    ACROSS_CHANNELS: ClassVar[LRNParameter.NormRegion]
    WITHIN_CHANNEL: ClassVar[LRNParameter.NormRegion]
    class _EngineMeta(EnumTypeWrapper[LRNParameter.Engine], builtins.type): ...

    class Engine(int, metaclass=_EngineMeta):
        DEFAULT: ClassVar[LRNParameter.Engine]
        CAFFE: ClassVar[LRNParameter.Engine]
        CUDNN: ClassVar[LRNParameter.Engine]
        MKL2017: ClassVar[LRNParameter.Engine]
        MKLDNN: ClassVar[LRNParameter.Engine]

    DEFAULT: ClassVar[LRNParameter.Engine]
    CAFFE: ClassVar[LRNParameter.Engine]
    CUDNN: ClassVar[LRNParameter.Engine]
    MKL2017: ClassVar[LRNParameter.Engine]
    MKLDNN: ClassVar[LRNParameter.Engine]
    LOCAL_SIZE_FIELD_NUMBER: ClassVar[int]
    ALPHA_FIELD_NUMBER: ClassVar[int]
    BETA_FIELD_NUMBER: ClassVar[int]
    NORM_REGION_FIELD_NUMBER: ClassVar[int]
    K_FIELD_NUMBER: ClassVar[int]
    ENGINE_FIELD_NUMBER: ClassVar[int]
    local_size: int
    alpha: float
    beta: float
    norm_region: LRNParameter.NormRegion
    k: float
    engine: LRNParameter.Engine
    def __init__(
        self,
        *,
        local_size: int | None = ...,
        alpha: float | None = ...,
        beta: float | None = ...,
        norm_region: int | str | None = ...,
        k: float | None = ...,
        engine: int | str | None = ...,
    ) -> None: ...

class MVNParameter(Message):
    NORMALIZE_VARIANCE_FIELD_NUMBER: ClassVar[int]
    ACROSS_CHANNELS_FIELD_NUMBER: ClassVar[int]
    EPS_FIELD_NUMBER: ClassVar[int]
    normalize_variance: bool
    across_channels: bool
    eps: float
    def __init__(
        self,
        *,
        normalize_variance: bool | None = ...,
        across_channels: bool | None = ...,
        eps: float | None = ...,
    ) -> None: ...

class ParameterParameter(Message):
    SHAPE_FIELD_NUMBER: ClassVar[int]
    BLOB_FILLER_FIELD_NUMBER: ClassVar[int]
    shape: BlobShape
    blob_filler: FillerParameter
    def __init__(
        self,
        *,
        shape: BlobShape | None = ...,
        blob_filler: FillerParameter | None = ...,
    ) -> None: ...

class PoolingParameter(Message):
    class _PoolMethodMeta(EnumTypeWrapper[PoolingParameter.PoolMethod], builtins.type): ...

    class PoolMethod(int, metaclass=_PoolMethodMeta):
        MAX: ClassVar[PoolingParameter.PoolMethod]
        AVE: ClassVar[PoolingParameter.PoolMethod]
        STOCHASTIC: ClassVar[PoolingParameter.PoolMethod]
        AVE_EXC_PAD: ClassVar[PoolingParameter.PoolMethod]
        AVE_TF: ClassVar[PoolingParameter.PoolMethod]

    MAX: ClassVar[PoolingParameter.PoolMethod]
    AVE: ClassVar[PoolingParameter.PoolMethod]
    STOCHASTIC: ClassVar[PoolingParameter.PoolMethod]
    AVE_EXC_PAD: ClassVar[PoolingParameter.PoolMethod]
    AVE_TF: ClassVar[PoolingParameter.PoolMethod]
    class _EngineMeta(EnumTypeWrapper[PoolingParameter.Engine], builtins.type): ...

    class Engine(int, metaclass=_EngineMeta):
        DEFAULT: ClassVar[PoolingParameter.Engine]
        CAFFE: ClassVar[PoolingParameter.Engine]
        CUDNN: ClassVar[PoolingParameter.Engine]
        MKL2017: ClassVar[PoolingParameter.Engine]
        MKLDNN: ClassVar[PoolingParameter.Engine]

    DEFAULT: ClassVar[PoolingParameter.Engine]
    CAFFE: ClassVar[PoolingParameter.Engine]
    CUDNN: ClassVar[PoolingParameter.Engine]
    MKL2017: ClassVar[PoolingParameter.Engine]
    MKLDNN: ClassVar[PoolingParameter.Engine]
    class _RoundModeMeta(EnumTypeWrapper[PoolingParameter.RoundMode], builtins.type): ...

    class RoundMode(int, metaclass=_RoundModeMeta):
        CEIL: ClassVar[PoolingParameter.RoundMode]
        FLOOR: ClassVar[PoolingParameter.RoundMode]

    CEIL: ClassVar[PoolingParameter.RoundMode]
    FLOOR: ClassVar[PoolingParameter.RoundMode]
    POOL_FIELD_NUMBER: ClassVar[int]
    PAD_FIELD_NUMBER: ClassVar[int]
    PAD_H_FIELD_NUMBER: ClassVar[int]
    PAD_W_FIELD_NUMBER: ClassVar[int]
    KERNEL_SIZE_FIELD_NUMBER: ClassVar[int]
    KERNEL_H_FIELD_NUMBER: ClassVar[int]
    KERNEL_W_FIELD_NUMBER: ClassVar[int]
    STRIDE_FIELD_NUMBER: ClassVar[int]
    STRIDE_H_FIELD_NUMBER: ClassVar[int]
    STRIDE_W_FIELD_NUMBER: ClassVar[int]
    ENGINE_FIELD_NUMBER: ClassVar[int]
    GLOBAL_POOLING_FIELD_NUMBER: ClassVar[int]
    ROUND_MODE_FIELD_NUMBER: ClassVar[int]
    CEIL_MODE_FIELD_NUMBER: ClassVar[int]
    PAD_L_FIELD_NUMBER: ClassVar[int]
    PAD_R_FIELD_NUMBER: ClassVar[int]
    PAD_T_FIELD_NUMBER: ClassVar[int]
    PAD_B_FIELD_NUMBER: ClassVar[int]
    AVG_INCLUDE_PAD_FIELD_NUMBER: ClassVar[int]
    KERNEL_DEPTH_FIELD_NUMBER: ClassVar[int]
    TEMPORAL_STRIDE_FIELD_NUMBER: ClassVar[int]
    pool: PoolingParameter.PoolMethod
    pad: int
    pad_h: int
    pad_w: int
    kernel_size: int
    kernel_h: int
    kernel_w: int
    stride: int
    stride_h: int
    stride_w: int
    engine: PoolingParameter.Engine
    global_pooling: bool
    round_mode: PoolingParameter.RoundMode
    ceil_mode: bool
    pad_l: int
    pad_r: int
    pad_t: int
    pad_b: int
    avg_include_pad: bool
    kernel_depth: int
    temporal_stride: int
    def __init__(
        self,
        *,
        pool: int | str | None = ...,
        pad: int | None = ...,
        pad_h: int | None = ...,
        pad_w: int | None = ...,
        kernel_size: int | None = ...,
        kernel_h: int | None = ...,
        kernel_w: int | None = ...,
        stride: int | None = ...,
        stride_h: int | None = ...,
        stride_w: int | None = ...,
        engine: int | str | None = ...,
        global_pooling: bool | None = ...,
        round_mode: int | str | None = ...,
        ceil_mode: bool | None = ...,
        pad_l: int | None = ...,
        pad_r: int | None = ...,
        pad_t: int | None = ...,
        pad_b: int | None = ...,
        avg_include_pad: bool | None = ...,
        kernel_depth: int | None = ...,
        temporal_stride: int | None = ...,
    ) -> None: ...

class PowerParameter(Message):
    POWER_FIELD_NUMBER: ClassVar[int]
    SCALE_FIELD_NUMBER: ClassVar[int]
    SHIFT_FIELD_NUMBER: ClassVar[int]
    power: float
    scale: float
    shift: float
    def __init__(
        self,
        *,
        power: float | None = ...,
        scale: float | None = ...,
        shift: float | None = ...,
    ) -> None: ...

class PReLUParameter(Message):
    FILLER_FIELD_NUMBER: ClassVar[int]
    CHANNEL_SHARED_FIELD_NUMBER: ClassVar[int]
    filler: FillerParameter
    channel_shared: bool
    def __init__(
        self,
        *,
        filler: FillerParameter | None = ...,
        channel_shared: bool | None = ...,
    ) -> None: ...

class PythonParameter(Message):
    MODULE_FIELD_NUMBER: ClassVar[int]
    LAYER_FIELD_NUMBER: ClassVar[int]
    PARAM_STR_FIELD_NUMBER: ClassVar[int]
    SHARE_IN_PARALLEL_FIELD_NUMBER: ClassVar[int]
    module: str
    layer: str
    param_str: str
    share_in_parallel: bool
    def __init__(
        self,
        *,
        module: str | None = ...,
        layer: str | None = ...,
        param_str: str | None = ...,
        share_in_parallel: bool | None = ...,
    ) -> None: ...

class RecurrentParameter(Message):
    NUM_OUTPUT_FIELD_NUMBER: ClassVar[int]
    WEIGHT_FILLER_FIELD_NUMBER: ClassVar[int]
    BIAS_FILLER_FIELD_NUMBER: ClassVar[int]
    DEBUG_INFO_FIELD_NUMBER: ClassVar[int]
    EXPOSE_HIDDEN_FIELD_NUMBER: ClassVar[int]
    num_output: int
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    debug_info: bool
    expose_hidden: bool
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        weight_filler: FillerParameter | None = ...,
        bias_filler: FillerParameter | None = ...,
        debug_info: bool | None = ...,
        expose_hidden: bool | None = ...,
    ) -> None: ...

class ReductionParameter(Message):
    class _ReductionOpMeta(EnumTypeWrapper[ReductionParameter.ReductionOp], builtins.type): ...

    class ReductionOp(int, metaclass=_ReductionOpMeta):
        SUM: ClassVar[ReductionParameter.ReductionOp]
        ASUM: ClassVar[ReductionParameter.ReductionOp]
        SUMSQ: ClassVar[ReductionParameter.ReductionOp]
        MEAN: ClassVar[ReductionParameter.ReductionOp]

    SUM: ClassVar[ReductionParameter.ReductionOp]
    ASUM: ClassVar[ReductionParameter.ReductionOp]
    SUMSQ: ClassVar[ReductionParameter.ReductionOp]
    MEAN: ClassVar[ReductionParameter.ReductionOp]
    OPERATION_FIELD_NUMBER: ClassVar[int]
    AXIS_FIELD_NUMBER: ClassVar[int]
    COEFF_FIELD_NUMBER: ClassVar[int]
    operation: ReductionParameter.ReductionOp
    axis: int
    coeff: float
    def __init__(
        self,
        *,
        operation: int | str | None = ...,
        axis: int | None = ...,
        coeff: float | None = ...,
    ) -> None: ...

class ReLUParameter(Message):
    class _EngineMeta(EnumTypeWrapper[ReLUParameter.Engine], builtins.type): ...

    class Engine(int, metaclass=_EngineMeta):
        DEFAULT: ClassVar[ReLUParameter.Engine]
        CAFFE: ClassVar[ReLUParameter.Engine]
        CUDNN: ClassVar[ReLUParameter.Engine]
        MKL2017: ClassVar[ReLUParameter.Engine]
        MKLDNN: ClassVar[ReLUParameter.Engine]

    DEFAULT: ClassVar[ReLUParameter.Engine]
    CAFFE: ClassVar[ReLUParameter.Engine]
    CUDNN: ClassVar[ReLUParameter.Engine]
    MKL2017: ClassVar[ReLUParameter.Engine]
    MKLDNN: ClassVar[ReLUParameter.Engine]
    NEGATIVE_SLOPE_FIELD_NUMBER: ClassVar[int]
    ENGINE_FIELD_NUMBER: ClassVar[int]
    RELU6_FIELD_NUMBER: ClassVar[int]
    negative_slope: float
    engine: ReLUParameter.Engine
    relu6: bool
    def __init__(
        self,
        *,
        negative_slope: float | None = ...,
        engine: int | str | None = ...,
        relu6: bool | None = ...,
    ) -> None: ...

class ReshapeParameter(Message):
    SHAPE_FIELD_NUMBER: ClassVar[int]
    AXIS_FIELD_NUMBER: ClassVar[int]
    NUM_AXES_FIELD_NUMBER: ClassVar[int]
    shape: BlobShape
    axis: int
    num_axes: int
    def __init__(
        self,
        *,
        shape: BlobShape | None = ...,
        axis: int | None = ...,
        num_axes: int | None = ...,
    ) -> None: ...

class ScaleParameter(Message):
    AXIS_FIELD_NUMBER: ClassVar[int]
    NUM_AXES_FIELD_NUMBER: ClassVar[int]
    FILLER_FIELD_NUMBER: ClassVar[int]
    BIAS_TERM_FIELD_NUMBER: ClassVar[int]
    BIAS_FILLER_FIELD_NUMBER: ClassVar[int]
    axis: int
    num_axes: int
    filler: FillerParameter
    bias_term: bool
    bias_filler: FillerParameter
    def __init__(
        self,
        *,
        axis: int | None = ...,
        num_axes: int | None = ...,
        filler: FillerParameter | None = ...,
        bias_term: bool | None = ...,
        bias_filler: FillerParameter | None = ...,
    ) -> None: ...

class SigmoidParameter(Message):
    class _EngineMeta(EnumTypeWrapper[SigmoidParameter.Engine], builtins.type): ...

    class Engine(int, metaclass=_EngineMeta):
        DEFAULT: ClassVar[SigmoidParameter.Engine]
        CAFFE: ClassVar[SigmoidParameter.Engine]
        CUDNN: ClassVar[SigmoidParameter.Engine]

    DEFAULT: ClassVar[SigmoidParameter.Engine]
    CAFFE: ClassVar[SigmoidParameter.Engine]
    CUDNN: ClassVar[SigmoidParameter.Engine]
    ENGINE_FIELD_NUMBER: ClassVar[int]
    engine: SigmoidParameter.Engine
    def __init__(
        self,
        *,
        engine: int | str | None = ...,
    ) -> None: ...

class SliceParameter(Message):
    AXIS_FIELD_NUMBER: ClassVar[int]
    SLICE_POINT_FIELD_NUMBER: ClassVar[int]
    SLICE_DIM_FIELD_NUMBER: ClassVar[int]
    axis: int
    slice_point: RepeatedScalarFieldContainer[int]
    slice_dim: int
    def __init__(
        self,
        *,
        axis: int | None = ...,
        slice_point: Iterable[int] | None = ...,
        slice_dim: int | None = ...,
    ) -> None: ...

class SoftmaxParameter(Message):
    class _EngineMeta(EnumTypeWrapper[SoftmaxParameter.Engine], builtins.type): ...

    class Engine(int, metaclass=_EngineMeta):
        DEFAULT: ClassVar[SoftmaxParameter.Engine]
        CAFFE: ClassVar[SoftmaxParameter.Engine]
        CUDNN: ClassVar[SoftmaxParameter.Engine]

    DEFAULT: ClassVar[SoftmaxParameter.Engine]
    CAFFE: ClassVar[SoftmaxParameter.Engine]
    CUDNN: ClassVar[SoftmaxParameter.Engine]
    ENGINE_FIELD_NUMBER: ClassVar[int]
    AXIS_FIELD_NUMBER: ClassVar[int]
    HARD_RATIO_FIELD_NUMBER: ClassVar[int]
    CLASS_WEIGHT_FIELD_NUMBER: ClassVar[int]
    HARD_MINING_LABEL_FIELD_NUMBER: ClassVar[int]
    CUTTING_POINT_FIELD_NUMBER: ClassVar[int]
    NORMALIZE_TYPE_FIELD_NUMBER: ClassVar[int]
    LABEL_SMOOTH_FACTOR_FIELD_NUMBER: ClassVar[int]
    engine: SoftmaxParameter.Engine
    axis: int
    hard_ratio: float
    class_weight: RepeatedScalarFieldContainer[float]
    hard_mining_label: int
    cutting_point: float
    normalize_type: str
    label_smooth_factor: float
    def __init__(
        self,
        *,
        engine: int | str | None = ...,
        axis: int | None = ...,
        hard_ratio: float | None = ...,
        class_weight: Iterable[float] | None = ...,
        hard_mining_label: int | None = ...,
        cutting_point: float | None = ...,
        normalize_type: str | None = ...,
        label_smooth_factor: float | None = ...,
    ) -> None: ...

class SPPParameter(Message):
    class _PoolMethodMeta(EnumTypeWrapper[SPPParameter.PoolMethod], builtins.type): ...

    class PoolMethod(int, metaclass=_PoolMethodMeta):
        MAX: ClassVar[SPPParameter.PoolMethod]
        AVE: ClassVar[SPPParameter.PoolMethod]
        STOCHASTIC: ClassVar[SPPParameter.PoolMethod]

    MAX: ClassVar[SPPParameter.PoolMethod]
    AVE: ClassVar[SPPParameter.PoolMethod]
    STOCHASTIC: ClassVar[SPPParameter.PoolMethod]
    class _EngineMeta(EnumTypeWrapper[SPPParameter.Engine], builtins.type): ...

    class Engine(int, metaclass=_EngineMeta):
        DEFAULT: ClassVar[SPPParameter.Engine]
        CAFFE: ClassVar[SPPParameter.Engine]
        CUDNN: ClassVar[SPPParameter.Engine]

    DEFAULT: ClassVar[SPPParameter.Engine]
    CAFFE: ClassVar[SPPParameter.Engine]
    CUDNN: ClassVar[SPPParameter.Engine]
    PYRAMID_HEIGHT_FIELD_NUMBER: ClassVar[int]
    POOL_FIELD_NUMBER: ClassVar[int]
    ENGINE_FIELD_NUMBER: ClassVar[int]
    pyramid_height: int
    pool: SPPParameter.PoolMethod
    engine: SPPParameter.Engine
    def __init__(
        self,
        *,
        pyramid_height: int | None = ...,
        pool: int | str | None = ...,
        engine: int | str | None = ...,
    ) -> None: ...

class SwishParameter(Message):
    BETA_FIELD_NUMBER: ClassVar[int]
    beta: float
    def __init__(
        self,
        *,
        beta: float | None = ...,
    ) -> None: ...

class TanHParameter(Message):
    class _EngineMeta(EnumTypeWrapper[TanHParameter.Engine], builtins.type): ...

    class Engine(int, metaclass=_EngineMeta):
        DEFAULT: ClassVar[TanHParameter.Engine]
        CAFFE: ClassVar[TanHParameter.Engine]
        CUDNN: ClassVar[TanHParameter.Engine]

    DEFAULT: ClassVar[TanHParameter.Engine]
    CAFFE: ClassVar[TanHParameter.Engine]
    CUDNN: ClassVar[TanHParameter.Engine]
    ENGINE_FIELD_NUMBER: ClassVar[int]
    engine: TanHParameter.Engine
    def __init__(
        self,
        *,
        engine: int | str | None = ...,
    ) -> None: ...

class ThresholdParameter(Message):
    THRESHOLD_FIELD_NUMBER: ClassVar[int]
    threshold: float
    def __init__(
        self,
        *,
        threshold: float | None = ...,
    ) -> None: ...

class TileParameter(Message):
    AXIS_FIELD_NUMBER: ClassVar[int]
    TILES_FIELD_NUMBER: ClassVar[int]
    axis: int
    tiles: int
    def __init__(
        self,
        *,
        axis: int | None = ...,
        tiles: int | None = ...,
    ) -> None: ...

class DataParameter(Message):
    class _DBMeta(EnumTypeWrapper[DataParameter.DB], builtins.type): ...

    class DB(int, metaclass=_DBMeta):
        LEVELDB: ClassVar[DataParameter.DB]
        LMDB: ClassVar[DataParameter.DB]

    LEVELDB: ClassVar[DataParameter.DB]
    LMDB: ClassVar[DataParameter.DB]
    SOURCE_FIELD_NUMBER: ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: ClassVar[int]
    RAND_SKIP_FIELD_NUMBER: ClassVar[int]
    BACKEND_FIELD_NUMBER: ClassVar[int]
    SCALE_FIELD_NUMBER: ClassVar[int]
    MEAN_FILE_FIELD_NUMBER: ClassVar[int]
    CROP_SIZE_FIELD_NUMBER: ClassVar[int]
    MIRROR_FIELD_NUMBER: ClassVar[int]
    FORCE_ENCODED_COLOR_FIELD_NUMBER: ClassVar[int]
    PREFETCH_FIELD_NUMBER: ClassVar[int]
    THREADS_FIELD_NUMBER: ClassVar[int]
    PARSER_THREADS_FIELD_NUMBER: ClassVar[int]
    CACHE_FIELD_NUMBER: ClassVar[int]
    SHUFFLE_FIELD_NUMBER: ClassVar[int]
    PRECACHE_FIELD_NUMBER: ClassVar[int]
    source: str
    batch_size: int
    rand_skip: int
    backend: DataParameter.DB
    scale: float
    mean_file: str
    crop_size: int
    mirror: bool
    force_encoded_color: bool
    prefetch: int
    threads: int
    parser_threads: int
    cache: bool
    shuffle: bool
    precache: bool
    def __init__(
        self,
        *,
        source: str | None = ...,
        batch_size: int | None = ...,
        rand_skip: int | None = ...,
        backend: int | str | None = ...,
        scale: float | None = ...,
        mean_file: str | None = ...,
        crop_size: int | None = ...,
        mirror: bool | None = ...,
        force_encoded_color: bool | None = ...,
        prefetch: int | None = ...,
        threads: int | None = ...,
        parser_threads: int | None = ...,
        cache: bool | None = ...,
        shuffle: bool | None = ...,
        precache: bool | None = ...,
    ) -> None: ...

class DummyDataParameter(Message):
    DATA_FILLER_FIELD_NUMBER: ClassVar[int]
    SHAPE_FIELD_NUMBER: ClassVar[int]
    NUM_FIELD_NUMBER: ClassVar[int]
    CHANNELS_FIELD_NUMBER: ClassVar[int]
    HEIGHT_FIELD_NUMBER: ClassVar[int]
    WIDTH_FIELD_NUMBER: ClassVar[int]
    data_filler: RepeatedCompositeFieldContainer[FillerParameter]
    shape: RepeatedCompositeFieldContainer[BlobShape]
    num: RepeatedScalarFieldContainer[int]
    channels: RepeatedScalarFieldContainer[int]
    height: RepeatedScalarFieldContainer[int]
    width: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        data_filler: Iterable[FillerParameter] | None = ...,
        shape: Iterable[BlobShape] | None = ...,
        num: Iterable[int] | None = ...,
        channels: Iterable[int] | None = ...,
        height: Iterable[int] | None = ...,
        width: Iterable[int] | None = ...,
    ) -> None: ...

class HDF5DataParameter(Message):
    SOURCE_FIELD_NUMBER: ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: ClassVar[int]
    SHUFFLE_FIELD_NUMBER: ClassVar[int]
    source: str
    batch_size: int
    shuffle: bool
    def __init__(
        self,
        *,
        source: str | None = ...,
        batch_size: int | None = ...,
        shuffle: bool | None = ...,
    ) -> None: ...

class HDF5OutputParameter(Message):
    FILE_NAME_FIELD_NUMBER: ClassVar[int]
    file_name: str
    def __init__(
        self,
        *,
        file_name: str | None = ...,
    ) -> None: ...

class ImageDataParameter(Message):
    class _LabelTypeMeta(EnumTypeWrapper[ImageDataParameter.LabelType], builtins.type): ...

    class LabelType(int, metaclass=_LabelTypeMeta):
        NONE: ClassVar[ImageDataParameter.LabelType]
        IMAGE: ClassVar[ImageDataParameter.LabelType]
        PIXEL: ClassVar[ImageDataParameter.LabelType]

    NONE: ClassVar[ImageDataParameter.LabelType]
    IMAGE: ClassVar[ImageDataParameter.LabelType]
    PIXEL: ClassVar[ImageDataParameter.LabelType]
    SOURCE_FIELD_NUMBER: ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: ClassVar[int]
    RAND_SKIP_FIELD_NUMBER: ClassVar[int]
    SHUFFLE_FIELD_NUMBER: ClassVar[int]
    NEW_HEIGHT_FIELD_NUMBER: ClassVar[int]
    NEW_WIDTH_FIELD_NUMBER: ClassVar[int]
    IS_COLOR_FIELD_NUMBER: ClassVar[int]
    SCALE_FIELD_NUMBER: ClassVar[int]
    MEAN_FILE_FIELD_NUMBER: ClassVar[int]
    CROP_SIZE_FIELD_NUMBER: ClassVar[int]
    MIRROR_FIELD_NUMBER: ClassVar[int]
    ROOT_FOLDER_FIELD_NUMBER: ClassVar[int]
    IGNORE_LABEL_FIELD_NUMBER: ClassVar[int]
    LABEL_TYPE_FIELD_NUMBER: ClassVar[int]
    NEW_LENGTH_FIELD_NUMBER: ClassVar[int]
    USE_IMAGE_FIELD_NUMBER: ClassVar[int]
    SHOW_DATA_FIELD_NUMBER: ClassVar[int]
    USE_TEMPORAL_JITTER_FIELD_NUMBER: ClassVar[int]
    DRAFT_FIELD_NUMBER: ClassVar[int]
    source: str
    batch_size: int
    rand_skip: int
    shuffle: bool
    new_height: int
    new_width: int
    is_color: bool
    scale: float
    mean_file: str
    crop_size: int
    mirror: bool
    root_folder: str
    ignore_label: int
    label_type: ImageDataParameter.LabelType
    new_length: int
    use_image: bool
    show_data: bool
    use_temporal_jitter: bool
    draft: bool
    def __init__(
        self,
        *,
        source: str | None = ...,
        batch_size: int | None = ...,
        rand_skip: int | None = ...,
        shuffle: bool | None = ...,
        new_height: int | None = ...,
        new_width: int | None = ...,
        is_color: bool | None = ...,
        scale: float | None = ...,
        mean_file: str | None = ...,
        crop_size: int | None = ...,
        mirror: bool | None = ...,
        root_folder: str | None = ...,
        ignore_label: int | None = ...,
        label_type: int | str | None = ...,
        new_length: int | None = ...,
        use_image: bool | None = ...,
        show_data: bool | None = ...,
        use_temporal_jitter: bool | None = ...,
        draft: bool | None = ...,
    ) -> None: ...

class InputParameter(Message):
    SHAPE_FIELD_NUMBER: ClassVar[int]
    shape: RepeatedCompositeFieldContainer[BlobShape]
    def __init__(
        self,
        *,
        shape: Iterable[BlobShape] | None = ...,
    ) -> None: ...

class MemoryDataParameter(Message):
    BATCH_SIZE_FIELD_NUMBER: ClassVar[int]
    CHANNELS_FIELD_NUMBER: ClassVar[int]
    HEIGHT_FIELD_NUMBER: ClassVar[int]
    WIDTH_FIELD_NUMBER: ClassVar[int]
    batch_size: int
    channels: int
    height: int
    width: int
    def __init__(
        self,
        *,
        batch_size: int | None = ...,
        channels: int | None = ...,
        height: int | None = ...,
        width: int | None = ...,
    ) -> None: ...

class TransformationParameter(Message):
    class _InterpolationAlgoMeta(EnumTypeWrapper[TransformationParameter.InterpolationAlgo], builtins.type): ...

    class InterpolationAlgo(int, metaclass=_InterpolationAlgoMeta):
        INTER_NEAREST: ClassVar[TransformationParameter.InterpolationAlgo]
        INTER_LINEAR: ClassVar[TransformationParameter.InterpolationAlgo]
        INTER_CUBIC: ClassVar[TransformationParameter.InterpolationAlgo]
        INTER_AREA: ClassVar[TransformationParameter.InterpolationAlgo]

    INTER_NEAREST: ClassVar[TransformationParameter.InterpolationAlgo]
    INTER_LINEAR: ClassVar[TransformationParameter.InterpolationAlgo]
    INTER_CUBIC: ClassVar[TransformationParameter.InterpolationAlgo]
    INTER_AREA: ClassVar[TransformationParameter.InterpolationAlgo]
    SCALE_FIELD_NUMBER: ClassVar[int]
    MIRROR_FIELD_NUMBER: ClassVar[int]
    CROP_SIZE_FIELD_NUMBER: ClassVar[int]
    MEAN_FILE_FIELD_NUMBER: ClassVar[int]
    MEAN_VALUE_FIELD_NUMBER: ClassVar[int]
    FORCE_COLOR_FIELD_NUMBER: ClassVar[int]
    FORCE_GRAY_FIELD_NUMBER: ClassVar[int]
    RESIZE_PARAM_FIELD_NUMBER: ClassVar[int]
    NOISE_PARAM_FIELD_NUMBER: ClassVar[int]
    EMIT_CONSTRAINT_FIELD_NUMBER: ClassVar[int]
    CROP_H_FIELD_NUMBER: ClassVar[int]
    CROP_W_FIELD_NUMBER: ClassVar[int]
    DISTORT_PARAM_FIELD_NUMBER: ClassVar[int]
    EXPAND_PARAM_FIELD_NUMBER: ClassVar[int]
    RANDOM_RESIZE_PARAM_FIELD_NUMBER: ClassVar[int]
    RANDOM_ASPECT_RATIO_PARAM_FIELD_NUMBER: ClassVar[int]
    IMG_RAND_RESIZE_LOWER_FIELD_NUMBER: ClassVar[int]
    IMG_RAND_RESIZE_UPPER_FIELD_NUMBER: ClassVar[int]
    RAND_RESIZE_RATIO_LOWER_FIELD_NUMBER: ClassVar[int]
    RAND_RESIZE_RATIO_UPPER_FIELD_NUMBER: ClassVar[int]
    VERTICAL_STRETCH_LOWER_FIELD_NUMBER: ClassVar[int]
    VERTICAL_STRETCH_UPPER_FIELD_NUMBER: ClassVar[int]
    HORIZONTAL_STRETCH_LOWER_FIELD_NUMBER: ClassVar[int]
    HORIZONTAL_STRETCH_UPPER_FIELD_NUMBER: ClassVar[int]
    INTERPOLATION_ALGO_DOWN_FIELD_NUMBER: ClassVar[int]
    INTERPOLATION_ALGO_UP_FIELD_NUMBER: ClassVar[int]
    ALLOW_UPSCALE_FIELD_NUMBER: ClassVar[int]
    FIX_CROP_FIELD_NUMBER: ClassVar[int]
    MORE_FIX_CROP_FIELD_NUMBER: ClassVar[int]
    MULTI_SCALE_FIELD_NUMBER: ClassVar[int]
    SCALE_RATIOS_FIELD_NUMBER: ClassVar[int]
    MAX_DISTORT_FIELD_NUMBER: ClassVar[int]
    IS_FLOW_FIELD_NUMBER: ClassVar[int]
    SCALE_FACTORS_FIELD_NUMBER: ClassVar[int]
    scale: float
    mirror: bool
    crop_size: int
    mean_file: str
    mean_value: RepeatedScalarFieldContainer[float]
    force_color: bool
    force_gray: bool
    resize_param: RepeatedCompositeFieldContainer[ResizeParameter]
    noise_param: NoiseParameter
    emit_constraint: EmitConstraint
    crop_h: int
    crop_w: int
    distort_param: DistortionParameter
    expand_param: ExpansionParameter
    random_resize_param: RandomResizeParameter
    random_aspect_ratio_param: RandomAspectRatioParameter
    img_rand_resize_lower: int
    img_rand_resize_upper: int
    rand_resize_ratio_lower: float
    rand_resize_ratio_upper: float
    vertical_stretch_lower: float
    vertical_stretch_upper: float
    horizontal_stretch_lower: float
    horizontal_stretch_upper: float
    interpolation_algo_down: TransformationParameter.InterpolationAlgo
    interpolation_algo_up: TransformationParameter.InterpolationAlgo
    allow_upscale: bool
    fix_crop: bool
    more_fix_crop: bool
    multi_scale: bool
    scale_ratios: RepeatedScalarFieldContainer[float]
    max_distort: int
    is_flow: bool
    scale_factors: RepeatedScalarFieldContainer[float]
    def __init__(
        self,
        *,
        scale: float | None = ...,
        mirror: bool | None = ...,
        crop_size: int | None = ...,
        mean_file: str | None = ...,
        mean_value: Iterable[float] | None = ...,
        force_color: bool | None = ...,
        force_gray: bool | None = ...,
        resize_param: Iterable[ResizeParameter] | None = ...,
        noise_param: NoiseParameter | None = ...,
        emit_constraint: EmitConstraint | None = ...,
        crop_h: int | None = ...,
        crop_w: int | None = ...,
        distort_param: DistortionParameter | None = ...,
        expand_param: ExpansionParameter | None = ...,
        random_resize_param: RandomResizeParameter | None = ...,
        random_aspect_ratio_param: RandomAspectRatioParameter | None = ...,
        img_rand_resize_lower: int | None = ...,
        img_rand_resize_upper: int | None = ...,
        rand_resize_ratio_lower: float | None = ...,
        rand_resize_ratio_upper: float | None = ...,
        vertical_stretch_lower: float | None = ...,
        vertical_stretch_upper: float | None = ...,
        horizontal_stretch_lower: float | None = ...,
        horizontal_stretch_upper: float | None = ...,
        interpolation_algo_down: int | str | None = ...,
        interpolation_algo_up: int | str | None = ...,
        allow_upscale: bool | None = ...,
        fix_crop: bool | None = ...,
        more_fix_crop: bool | None = ...,
        multi_scale: bool | None = ...,
        scale_ratios: Iterable[float] | None = ...,
        max_distort: int | None = ...,
        is_flow: bool | None = ...,
        scale_factors: Iterable[float] | None = ...,
    ) -> None: ...

class WindowDataParameter(Message):
    SOURCE_FIELD_NUMBER: ClassVar[int]
    SCALE_FIELD_NUMBER: ClassVar[int]
    MEAN_FILE_FIELD_NUMBER: ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: ClassVar[int]
    CROP_SIZE_FIELD_NUMBER: ClassVar[int]
    MIRROR_FIELD_NUMBER: ClassVar[int]
    FG_THRESHOLD_FIELD_NUMBER: ClassVar[int]
    BG_THRESHOLD_FIELD_NUMBER: ClassVar[int]
    FG_FRACTION_FIELD_NUMBER: ClassVar[int]
    CONTEXT_PAD_FIELD_NUMBER: ClassVar[int]
    CROP_MODE_FIELD_NUMBER: ClassVar[int]
    CACHE_IMAGES_FIELD_NUMBER: ClassVar[int]
    ROOT_FOLDER_FIELD_NUMBER: ClassVar[int]
    source: str
    scale: float
    mean_file: str
    batch_size: int
    crop_size: int
    mirror: bool
    fg_threshold: float
    bg_threshold: float
    fg_fraction: float
    context_pad: int
    crop_mode: str
    cache_images: bool
    root_folder: str
    def __init__(
        self,
        *,
        source: str | None = ...,
        scale: float | None = ...,
        mean_file: str | None = ...,
        batch_size: int | None = ...,
        crop_size: int | None = ...,
        mirror: bool | None = ...,
        fg_threshold: float | None = ...,
        bg_threshold: float | None = ...,
        fg_fraction: float | None = ...,
        context_pad: int | None = ...,
        crop_mode: str | None = ...,
        cache_images: bool | None = ...,
        root_folder: str | None = ...,
    ) -> None: ...

class ResizeParameter(Message):
    class _Resize_modeMeta(EnumTypeWrapper[ResizeParameter.Resize_mode], builtins.type): ...

    class Resize_mode(int, metaclass=_Resize_modeMeta):
        WARP: ClassVar[ResizeParameter.Resize_mode]
        FIT_SMALL_SIZE: ClassVar[ResizeParameter.Resize_mode]
        FIT_LARGE_SIZE_AND_PAD: ClassVar[ResizeParameter.Resize_mode]

    WARP: ClassVar[ResizeParameter.Resize_mode]
    FIT_SMALL_SIZE: ClassVar[ResizeParameter.Resize_mode]
    FIT_LARGE_SIZE_AND_PAD: ClassVar[ResizeParameter.Resize_mode]
    class _Pad_modeMeta(EnumTypeWrapper[ResizeParameter.Pad_mode], builtins.type): ...

    class Pad_mode(int, metaclass=_Pad_modeMeta):
        CONSTANT: ClassVar[ResizeParameter.Pad_mode]
        MIRRORED: ClassVar[ResizeParameter.Pad_mode]
        REPEAT_NEAREST: ClassVar[ResizeParameter.Pad_mode]

    CONSTANT: ClassVar[ResizeParameter.Pad_mode]
    MIRRORED: ClassVar[ResizeParameter.Pad_mode]
    REPEAT_NEAREST: ClassVar[ResizeParameter.Pad_mode]
    class _Interp_modeMeta(EnumTypeWrapper[ResizeParameter.Interp_mode], builtins.type): ...

    class Interp_mode(int, metaclass=_Interp_modeMeta):
        LINEAR: ClassVar[ResizeParameter.Interp_mode]
        AREA: ClassVar[ResizeParameter.Interp_mode]
        NEAREST: ClassVar[ResizeParameter.Interp_mode]
        CUBIC: ClassVar[ResizeParameter.Interp_mode]
        LANCZOS4: ClassVar[ResizeParameter.Interp_mode]

    LINEAR: ClassVar[ResizeParameter.Interp_mode]
    AREA: ClassVar[ResizeParameter.Interp_mode]
    NEAREST: ClassVar[ResizeParameter.Interp_mode]
    CUBIC: ClassVar[ResizeParameter.Interp_mode]
    LANCZOS4: ClassVar[ResizeParameter.Interp_mode]
    PROB_FIELD_NUMBER: ClassVar[int]
    RESIZE_MODE_FIELD_NUMBER: ClassVar[int]
    HEIGHT_FIELD_NUMBER: ClassVar[int]
    WIDTH_FIELD_NUMBER: ClassVar[int]
    HEIGHT_SCALE_FIELD_NUMBER: ClassVar[int]
    WIDTH_SCALE_FIELD_NUMBER: ClassVar[int]
    PAD_MODE_FIELD_NUMBER: ClassVar[int]
    PAD_VALUE_FIELD_NUMBER: ClassVar[int]
    INTERP_MODE_FIELD_NUMBER: ClassVar[int]
    prob: float
    resize_mode: ResizeParameter.Resize_mode
    height: int
    width: int
    height_scale: int
    width_scale: int
    pad_mode: ResizeParameter.Pad_mode
    pad_value: RepeatedScalarFieldContainer[float]
    interp_mode: RepeatedScalarFieldContainer[ResizeParameter.Interp_mode]
    def __init__(
        self,
        *,
        prob: float | None = ...,
        resize_mode: int | str | None = ...,
        height: int | None = ...,
        width: int | None = ...,
        height_scale: int | None = ...,
        width_scale: int | None = ...,
        pad_mode: int | str | None = ...,
        pad_value: Iterable[float] | None = ...,
        interp_mode: Iterable[int | str] | None = ...,
    ) -> None: ...

class SaltPepperParameter(Message):
    FRACTION_FIELD_NUMBER: ClassVar[int]
    VALUE_FIELD_NUMBER: ClassVar[int]
    fraction: float
    value: RepeatedScalarFieldContainer[float]
    def __init__(
        self,
        *,
        fraction: float | None = ...,
        value: Iterable[float] | None = ...,
    ) -> None: ...

class NoiseParameter(Message):
    PROB_FIELD_NUMBER: ClassVar[int]
    HIST_EQ_FIELD_NUMBER: ClassVar[int]
    INVERSE_FIELD_NUMBER: ClassVar[int]
    DECOLORIZE_FIELD_NUMBER: ClassVar[int]
    GAUSS_BLUR_FIELD_NUMBER: ClassVar[int]
    JPEG_FIELD_NUMBER: ClassVar[int]
    POSTERIZE_FIELD_NUMBER: ClassVar[int]
    ERODE_FIELD_NUMBER: ClassVar[int]
    SALTPEPPER_FIELD_NUMBER: ClassVar[int]
    SALTPEPPER_PARAM_FIELD_NUMBER: ClassVar[int]
    CLAHE_FIELD_NUMBER: ClassVar[int]
    CONVERT_TO_HSV_FIELD_NUMBER: ClassVar[int]
    CONVERT_TO_LAB_FIELD_NUMBER: ClassVar[int]
    prob: float
    hist_eq: bool
    inverse: bool
    decolorize: bool
    gauss_blur: bool
    jpeg: float
    posterize: bool
    erode: bool
    saltpepper: bool
    saltpepper_param: SaltPepperParameter
    clahe: bool
    convert_to_hsv: bool
    convert_to_lab: bool
    def __init__(
        self,
        *,
        prob: float | None = ...,
        hist_eq: bool | None = ...,
        inverse: bool | None = ...,
        decolorize: bool | None = ...,
        gauss_blur: bool | None = ...,
        jpeg: float | None = ...,
        posterize: bool | None = ...,
        erode: bool | None = ...,
        saltpepper: bool | None = ...,
        saltpepper_param: SaltPepperParameter | None = ...,
        clahe: bool | None = ...,
        convert_to_hsv: bool | None = ...,
        convert_to_lab: bool | None = ...,
    ) -> None: ...

class DistortionParameter(Message):
    BRIGHTNESS_PROB_FIELD_NUMBER: ClassVar[int]
    BRIGHTNESS_DELTA_FIELD_NUMBER: ClassVar[int]
    CONTRAST_PROB_FIELD_NUMBER: ClassVar[int]
    CONTRAST_LOWER_FIELD_NUMBER: ClassVar[int]
    CONTRAST_UPPER_FIELD_NUMBER: ClassVar[int]
    HUE_PROB_FIELD_NUMBER: ClassVar[int]
    HUE_DELTA_FIELD_NUMBER: ClassVar[int]
    SATURATION_PROB_FIELD_NUMBER: ClassVar[int]
    SATURATION_LOWER_FIELD_NUMBER: ClassVar[int]
    SATURATION_UPPER_FIELD_NUMBER: ClassVar[int]
    RANDOM_ORDER_PROB_FIELD_NUMBER: ClassVar[int]
    brightness_prob: float
    brightness_delta: float
    contrast_prob: float
    contrast_lower: float
    contrast_upper: float
    hue_prob: float
    hue_delta: float
    saturation_prob: float
    saturation_lower: float
    saturation_upper: float
    random_order_prob: float
    def __init__(
        self,
        *,
        brightness_prob: float | None = ...,
        brightness_delta: float | None = ...,
        contrast_prob: float | None = ...,
        contrast_lower: float | None = ...,
        contrast_upper: float | None = ...,
        hue_prob: float | None = ...,
        hue_delta: float | None = ...,
        saturation_prob: float | None = ...,
        saturation_lower: float | None = ...,
        saturation_upper: float | None = ...,
        random_order_prob: float | None = ...,
    ) -> None: ...

class ExpansionParameter(Message):
    PROB_FIELD_NUMBER: ClassVar[int]
    MAX_EXPAND_RATIO_FIELD_NUMBER: ClassVar[int]
    prob: float
    max_expand_ratio: float
    def __init__(
        self,
        *,
        prob: float | None = ...,
        max_expand_ratio: float | None = ...,
    ) -> None: ...

class EmitConstraint(Message):
    class _EmitTypeMeta(EnumTypeWrapper[EmitConstraint.EmitType], builtins.type): ...

    class EmitType(int, metaclass=_EmitTypeMeta):
        CENTER: ClassVar[EmitConstraint.EmitType]
        MIN_OVERLAP: ClassVar[EmitConstraint.EmitType]

    CENTER: ClassVar[EmitConstraint.EmitType]
    MIN_OVERLAP: ClassVar[EmitConstraint.EmitType]
    EMIT_TYPE_FIELD_NUMBER: ClassVar[int]
    EMIT_OVERLAP_FIELD_NUMBER: ClassVar[int]
    emit_type: EmitConstraint.EmitType
    emit_overlap: float
    def __init__(
        self,
        *,
        emit_type: int | str | None = ...,
        emit_overlap: float | None = ...,
    ) -> None: ...

class RandomResizeParameter(Message):
    MIN_SIZE_FIELD_NUMBER: ClassVar[int]
    MAX_SIZE_FIELD_NUMBER: ClassVar[int]
    RESIZE_PARAM_FIELD_NUMBER: ClassVar[int]
    min_size: int
    max_size: int
    resize_param: ResizeParameter
    def __init__(
        self,
        *,
        min_size: int | None = ...,
        max_size: int | None = ...,
        resize_param: ResizeParameter | None = ...,
    ) -> None: ...

class RandomAspectRatioParameter(Message):
    MIN_AREA_RATIO_FIELD_NUMBER: ClassVar[int]
    MAX_AREA_RATIO_FIELD_NUMBER: ClassVar[int]
    ASPECT_RATIO_CHANGE_FIELD_NUMBER: ClassVar[int]
    MAX_ATTEMPT_FIELD_NUMBER: ClassVar[int]
    RESIZE_PARAM_FIELD_NUMBER: ClassVar[int]
    min_area_ratio: float
    max_area_ratio: float
    aspect_ratio_change: float
    max_attempt: int
    resize_param: ResizeParameter
    def __init__(
        self,
        *,
        min_area_ratio: float | None = ...,
        max_area_ratio: float | None = ...,
        aspect_ratio_change: float | None = ...,
        max_attempt: int | None = ...,
        resize_param: ResizeParameter | None = ...,
    ) -> None: ...

class AnnotatedDataParameter(Message):
    BATCH_SAMPLER_FIELD_NUMBER: ClassVar[int]
    LABEL_MAP_FILE_FIELD_NUMBER: ClassVar[int]
    ANNO_TYPE_FIELD_NUMBER: ClassVar[int]
    YOLO_DATA_TYPE_FIELD_NUMBER: ClassVar[int]
    YOLO_DATA_JITTER_FIELD_NUMBER: ClassVar[int]
    batch_sampler: RepeatedCompositeFieldContainer[BatchSampler]
    label_map_file: str
    anno_type: AnnotatedDatum.AnnotationType
    yolo_data_type: int
    yolo_data_jitter: float
    def __init__(
        self,
        *,
        batch_sampler: Iterable[BatchSampler] | None = ...,
        label_map_file: str | None = ...,
        anno_type: int | str | None = ...,
        yolo_data_type: int | None = ...,
        yolo_data_jitter: float | None = ...,
    ) -> None: ...

class BatchSampler(Message):
    USE_ORIGINAL_IMAGE_FIELD_NUMBER: ClassVar[int]
    SAMPLER_FIELD_NUMBER: ClassVar[int]
    SAMPLE_CONSTRAINT_FIELD_NUMBER: ClassVar[int]
    MAX_SAMPLE_FIELD_NUMBER: ClassVar[int]
    MAX_TRIALS_FIELD_NUMBER: ClassVar[int]
    use_original_image: bool
    sampler: Sampler
    sample_constraint: SampleConstraint
    max_sample: int
    max_trials: int
    def __init__(
        self,
        *,
        use_original_image: bool | None = ...,
        sampler: Sampler | None = ...,
        sample_constraint: SampleConstraint | None = ...,
        max_sample: int | None = ...,
        max_trials: int | None = ...,
    ) -> None: ...

class BoxAnnotatorOHEMParameter(Message):
    ROI_PER_IMG_FIELD_NUMBER: ClassVar[int]
    IGNORE_LABEL_FIELD_NUMBER: ClassVar[int]
    roi_per_img: int
    ignore_label: int
    def __init__(
        self,
        *,
        roi_per_img: int | None = ...,
        ignore_label: int | None = ...,
    ) -> None: ...

class BNParameter(Message):
    class _BNModeMeta(EnumTypeWrapper[BNParameter.BNMode], builtins.type): ...

    class BNMode(int, metaclass=_BNModeMeta):
        LEARN: ClassVar[BNParameter.BNMode]
        INFERENCE: ClassVar[BNParameter.BNMode]

    LEARN: ClassVar[BNParameter.BNMode]
    INFERENCE: ClassVar[BNParameter.BNMode]
    class _EngineMeta(EnumTypeWrapper[BNParameter.Engine], builtins.type): ...

    class Engine(int, metaclass=_EngineMeta):
        DEFAULT: ClassVar[BNParameter.Engine]
        CAFFE: ClassVar[BNParameter.Engine]
        CUDNN: ClassVar[BNParameter.Engine]

    DEFAULT: ClassVar[BNParameter.Engine]
    CAFFE: ClassVar[BNParameter.Engine]
    CUDNN: ClassVar[BNParameter.Engine]
    SCALE_FILLER_FIELD_NUMBER: ClassVar[int]
    SHIFT_FILLER_FIELD_NUMBER: ClassVar[int]
    BN_MODE_FIELD_NUMBER: ClassVar[int]
    EPS_FIELD_NUMBER: ClassVar[int]
    FROZEN_FIELD_NUMBER: ClassVar[int]
    ENGINE_FIELD_NUMBER: ClassVar[int]
    SLOPE_FILLER_FIELD_NUMBER: ClassVar[int]
    BIAS_FILLER_FIELD_NUMBER: ClassVar[int]
    MOMENTUM_FIELD_NUMBER: ClassVar[int]
    scale_filler: FillerParameter
    shift_filler: FillerParameter
    bn_mode: BNParameter.BNMode
    eps: float
    frozen: bool
    engine: BNParameter.Engine
    slope_filler: FillerParameter
    bias_filler: FillerParameter
    momentum: float
    def __init__(
        self,
        *,
        scale_filler: FillerParameter | None = ...,
        shift_filler: FillerParameter | None = ...,
        bn_mode: int | str | None = ...,
        eps: float | None = ...,
        frozen: bool | None = ...,
        engine: int | str | None = ...,
        slope_filler: FillerParameter | None = ...,
        bias_filler: FillerParameter | None = ...,
        momentum: float | None = ...,
    ) -> None: ...

class CenterLossParameter(Message):
    NUM_OUTPUT_FIELD_NUMBER: ClassVar[int]
    CENTER_FILLER_FIELD_NUMBER: ClassVar[int]
    AXIS_FIELD_NUMBER: ClassVar[int]
    num_output: int
    center_filler: FillerParameter
    axis: int
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        center_filler: FillerParameter | None = ...,
        axis: int | None = ...,
    ) -> None: ...

class ChannelScaleParameter(Message):
    DO_FORWARD_FIELD_NUMBER: ClassVar[int]
    DO_BACKWARD_FEATURE_FIELD_NUMBER: ClassVar[int]
    DO_BACKWARD_SCALE_FIELD_NUMBER: ClassVar[int]
    GLOBAL_SCALE_FIELD_NUMBER: ClassVar[int]
    MAX_GLOBAL_SCALE_FIELD_NUMBER: ClassVar[int]
    MIN_GLOBAL_SCALE_FIELD_NUMBER: ClassVar[int]
    INIT_GLOBAL_SCALE_FIELD_NUMBER: ClassVar[int]
    do_forward: bool
    do_backward_feature: bool
    do_backward_scale: bool
    global_scale: bool
    max_global_scale: float
    min_global_scale: float
    init_global_scale: float
    def __init__(
        self,
        *,
        do_forward: bool | None = ...,
        do_backward_feature: bool | None = ...,
        do_backward_scale: bool | None = ...,
        global_scale: bool | None = ...,
        max_global_scale: float | None = ...,
        min_global_scale: float | None = ...,
        init_global_scale: float | None = ...,
    ) -> None: ...

class CTCDecoderParameter(Message):
    BLANK_INDEX_FIELD_NUMBER: ClassVar[int]
    CTC_MERGE_REPEATED_FIELD_NUMBER: ClassVar[int]
    blank_index: int
    ctc_merge_repeated: bool
    def __init__(
        self,
        *,
        blank_index: int | None = ...,
        ctc_merge_repeated: bool | None = ...,
    ) -> None: ...

class CTCLossParameter(Message):
    OUTPUT_DELAY_FIELD_NUMBER: ClassVar[int]
    BLANK_INDEX_FIELD_NUMBER: ClassVar[int]
    PREPROCESS_COLLAPSE_REPEATED_FIELD_NUMBER: ClassVar[int]
    CTC_MERGE_REPEATED_FIELD_NUMBER: ClassVar[int]
    LOSS_CALCULATION_T_FIELD_NUMBER: ClassVar[int]
    ALPHABET_SIZE_FIELD_NUMBER: ClassVar[int]
    TIME_STEP_FIELD_NUMBER: ClassVar[int]
    BLANK_LABEL_FIELD_NUMBER: ClassVar[int]
    output_delay: int
    blank_index: int
    preprocess_collapse_repeated: bool
    ctc_merge_repeated: bool
    loss_calculation_t: int
    alphabet_size: int
    time_step: int
    blank_label: int
    def __init__(
        self,
        *,
        output_delay: int | None = ...,
        blank_index: int | None = ...,
        preprocess_collapse_repeated: bool | None = ...,
        ctc_merge_repeated: bool | None = ...,
        loss_calculation_t: int | None = ...,
        alphabet_size: int | None = ...,
        time_step: int | None = ...,
        blank_label: int | None = ...,
    ) -> None: ...

class DenseImageDataParameter(Message):
    SOURCE_FIELD_NUMBER: ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: ClassVar[int]
    RAND_SKIP_FIELD_NUMBER: ClassVar[int]
    SHUFFLE_FIELD_NUMBER: ClassVar[int]
    NEW_HEIGHT_FIELD_NUMBER: ClassVar[int]
    NEW_WIDTH_FIELD_NUMBER: ClassVar[int]
    IS_COLOR_FIELD_NUMBER: ClassVar[int]
    MEAN_FILE_FIELD_NUMBER: ClassVar[int]
    ROOT_FOLDER_FIELD_NUMBER: ClassVar[int]
    MIRROR_FIELD_NUMBER: ClassVar[int]
    CROP_WIDTH_FIELD_NUMBER: ClassVar[int]
    CROP_HEIGHT_FIELD_NUMBER: ClassVar[int]
    source: str
    batch_size: int
    rand_skip: int
    shuffle: bool
    new_height: int
    new_width: int
    is_color: bool
    mean_file: str
    root_folder: str
    mirror: bool
    crop_width: int
    crop_height: int
    def __init__(
        self,
        *,
        source: str | None = ...,
        batch_size: int | None = ...,
        rand_skip: int | None = ...,
        shuffle: bool | None = ...,
        new_height: int | None = ...,
        new_width: int | None = ...,
        is_color: bool | None = ...,
        mean_file: str | None = ...,
        root_folder: str | None = ...,
        mirror: bool | None = ...,
        crop_width: int | None = ...,
        crop_height: int | None = ...,
    ) -> None: ...

class DetectionEvaluateParameter(Message):
    NUM_CLASSES_FIELD_NUMBER: ClassVar[int]
    BACKGROUND_LABEL_ID_FIELD_NUMBER: ClassVar[int]
    OVERLAP_THRESHOLD_FIELD_NUMBER: ClassVar[int]
    EVALUATE_DIFFICULT_GT_FIELD_NUMBER: ClassVar[int]
    NAME_SIZE_FILE_FIELD_NUMBER: ClassVar[int]
    RESIZE_PARAM_FIELD_NUMBER: ClassVar[int]
    num_classes: int
    background_label_id: int
    overlap_threshold: float
    evaluate_difficult_gt: bool
    name_size_file: str
    resize_param: ResizeParameter
    def __init__(
        self,
        *,
        num_classes: int | None = ...,
        background_label_id: int | None = ...,
        overlap_threshold: float | None = ...,
        evaluate_difficult_gt: bool | None = ...,
        name_size_file: str | None = ...,
        resize_param: ResizeParameter | None = ...,
    ) -> None: ...

class DetectionOutputParameter(Message):
    NUM_CLASSES_FIELD_NUMBER: ClassVar[int]
    SHARE_LOCATION_FIELD_NUMBER: ClassVar[int]
    BACKGROUND_LABEL_ID_FIELD_NUMBER: ClassVar[int]
    NMS_PARAM_FIELD_NUMBER: ClassVar[int]
    SAVE_OUTPUT_PARAM_FIELD_NUMBER: ClassVar[int]
    CODE_TYPE_FIELD_NUMBER: ClassVar[int]
    VARIANCE_ENCODED_IN_TARGET_FIELD_NUMBER: ClassVar[int]
    KEEP_TOP_K_FIELD_NUMBER: ClassVar[int]
    CONFIDENCE_THRESHOLD_FIELD_NUMBER: ClassVar[int]
    VISUALIZE_FIELD_NUMBER: ClassVar[int]
    VISUALIZE_THRESHOLD_FIELD_NUMBER: ClassVar[int]
    SAVE_FILE_FIELD_NUMBER: ClassVar[int]
    num_classes: int
    share_location: bool
    background_label_id: int
    nms_param: NonMaximumSuppressionParameter
    save_output_param: SaveOutputParameter
    code_type: PriorBoxParameter.CodeType
    variance_encoded_in_target: bool
    keep_top_k: int
    confidence_threshold: float
    visualize: bool
    visualize_threshold: float
    save_file: str
    def __init__(
        self,
        *,
        num_classes: int | None = ...,
        share_location: bool | None = ...,
        background_label_id: int | None = ...,
        nms_param: NonMaximumSuppressionParameter | None = ...,
        save_output_param: SaveOutputParameter | None = ...,
        code_type: int | str | None = ...,
        variance_encoded_in_target: bool | None = ...,
        keep_top_k: int | None = ...,
        confidence_threshold: float | None = ...,
        visualize: bool | None = ...,
        visualize_threshold: float | None = ...,
        save_file: str | None = ...,
    ) -> None: ...

class DetectNetAugmentationParameter(Message):
    CROP_PROB_FIELD_NUMBER: ClassVar[int]
    SHIFT_X_FIELD_NUMBER: ClassVar[int]
    SHIFT_Y_FIELD_NUMBER: ClassVar[int]
    SCALE_PROB_FIELD_NUMBER: ClassVar[int]
    SCALE_MIN_FIELD_NUMBER: ClassVar[int]
    SCALE_MAX_FIELD_NUMBER: ClassVar[int]
    FLIP_PROB_FIELD_NUMBER: ClassVar[int]
    ROTATION_PROB_FIELD_NUMBER: ClassVar[int]
    MAX_ROTATE_DEGREE_FIELD_NUMBER: ClassVar[int]
    HUE_ROTATION_PROB_FIELD_NUMBER: ClassVar[int]
    HUE_ROTATION_FIELD_NUMBER: ClassVar[int]
    DESATURATION_PROB_FIELD_NUMBER: ClassVar[int]
    DESATURATION_MAX_FIELD_NUMBER: ClassVar[int]
    RESIZE_PARAM_FIELD_NUMBER: ClassVar[int]
    NOISE_PARAM_FIELD_NUMBER: ClassVar[int]
    DISTORT_PARAM_FIELD_NUMBER: ClassVar[int]
    EXPAND_PARAM_FIELD_NUMBER: ClassVar[int]
    EMIT_CONSTRAINT_FIELD_NUMBER: ClassVar[int]
    crop_prob: float
    shift_x: int
    shift_y: int
    scale_prob: float
    scale_min: float
    scale_max: float
    flip_prob: float
    rotation_prob: float
    max_rotate_degree: float
    hue_rotation_prob: float
    hue_rotation: float
    desaturation_prob: float
    desaturation_max: float
    resize_param: ResizeParameter
    noise_param: NoiseParameter
    distort_param: DistortionParameter
    expand_param: ExpansionParameter
    emit_constraint: EmitConstraint
    def __init__(
        self,
        *,
        crop_prob: float | None = ...,
        shift_x: int | None = ...,
        shift_y: int | None = ...,
        scale_prob: float | None = ...,
        scale_min: float | None = ...,
        scale_max: float | None = ...,
        flip_prob: float | None = ...,
        rotation_prob: float | None = ...,
        max_rotate_degree: float | None = ...,
        hue_rotation_prob: float | None = ...,
        hue_rotation: float | None = ...,
        desaturation_prob: float | None = ...,
        desaturation_max: float | None = ...,
        resize_param: ResizeParameter | None = ...,
        noise_param: NoiseParameter | None = ...,
        distort_param: DistortionParameter | None = ...,
        expand_param: ExpansionParameter | None = ...,
        emit_constraint: EmitConstraint | None = ...,
    ) -> None: ...

class DetectNetGroundTruthParameter(Message):
    class _GridboxTypeMeta(EnumTypeWrapper[DetectNetGroundTruthParameter.GridboxType], builtins.type): ...

    class GridboxType(int, metaclass=_GridboxTypeMeta):
        GRIDBOX_MAX: ClassVar[DetectNetGroundTruthParameter.GridboxType]
        GRIDBOX_MIN: ClassVar[DetectNetGroundTruthParameter.GridboxType]

    GRIDBOX_MAX: ClassVar[DetectNetGroundTruthParameter.GridboxType]
    GRIDBOX_MIN: ClassVar[DetectNetGroundTruthParameter.GridboxType]
    class _CoverageTypeMeta(EnumTypeWrapper[DetectNetGroundTruthParameter.CoverageType], builtins.type): ...

    class CoverageType(int, metaclass=_CoverageTypeMeta):
        RECTANGULAR: ClassVar[DetectNetGroundTruthParameter.CoverageType]

    RECTANGULAR: ClassVar[DetectNetGroundTruthParameter.CoverageType]
    class ClassMapping(Message):
        SRC_FIELD_NUMBER: ClassVar[int]
        DST_FIELD_NUMBER: ClassVar[int]
        src: int
        dst: int
        def __init__(
            self,
            *,
            src: int | None = ...,
            dst: int | None = ...,
        ) -> None: ...

    STRIDE_FIELD_NUMBER: ClassVar[int]
    SCALE_CVG_FIELD_NUMBER: ClassVar[int]
    GRIDBOX_TYPE_FIELD_NUMBER: ClassVar[int]
    MAX_CVG_LEN_FIELD_NUMBER: ClassVar[int]
    MIN_CVG_LEN_FIELD_NUMBER: ClassVar[int]
    COVERAGE_TYPE_FIELD_NUMBER: ClassVar[int]
    IMAGE_SIZE_X_FIELD_NUMBER: ClassVar[int]
    IMAGE_SIZE_Y_FIELD_NUMBER: ClassVar[int]
    OBJ_NORM_FIELD_NUMBER: ClassVar[int]
    CROP_BBOXES_FIELD_NUMBER: ClassVar[int]
    OBJECT_CLASS_FIELD_NUMBER: ClassVar[int]
    stride: int
    scale_cvg: float
    gridbox_type: DetectNetGroundTruthParameter.GridboxType
    max_cvg_len: int
    min_cvg_len: int
    coverage_type: DetectNetGroundTruthParameter.CoverageType
    image_size_x: int
    image_size_y: int
    obj_norm: bool
    crop_bboxes: bool
    object_class: RepeatedCompositeFieldContainer[DetectNetGroundTruthParameter.ClassMapping]
    def __init__(
        self,
        *,
        stride: int | None = ...,
        scale_cvg: float | None = ...,
        gridbox_type: int | str | None = ...,
        max_cvg_len: int | None = ...,
        min_cvg_len: int | None = ...,
        coverage_type: int | str | None = ...,
        image_size_x: int | None = ...,
        image_size_y: int | None = ...,
        obj_norm: bool | None = ...,
        crop_bboxes: bool | None = ...,
        object_class: Iterable[DetectNetGroundTruthParameter.ClassMapping] | None = ...,
    ) -> None: ...

class FlipParameter(Message):
    FLIP_WIDTH_FIELD_NUMBER: ClassVar[int]
    FLIP_HEIGHT_FIELD_NUMBER: ClassVar[int]
    flip_width: bool
    flip_height: bool
    def __init__(
        self,
        *,
        flip_width: bool | None = ...,
        flip_height: bool | None = ...,
    ) -> None: ...

class FocalLossParameter(Message):
    class _TypeMeta(EnumTypeWrapper[FocalLossParameter.Type], builtins.type): ...

    class Type(int, metaclass=_TypeMeta):
        ORIGIN: ClassVar[FocalLossParameter.Type]
        LINEAR: ClassVar[FocalLossParameter.Type]

    ORIGIN: ClassVar[FocalLossParameter.Type]
    LINEAR: ClassVar[FocalLossParameter.Type]
    TYPE_FIELD_NUMBER: ClassVar[int]
    GAMMA_FIELD_NUMBER: ClassVar[int]
    ALPHA_FIELD_NUMBER: ClassVar[int]
    BETA_FIELD_NUMBER: ClassVar[int]
    type: FocalLossParameter.Type
    gamma: float
    alpha: float
    beta: float
    def __init__(
        self,
        *,
        type: int | str | None = ...,
        gamma: float | None = ...,
        alpha: float | None = ...,
        beta: float | None = ...,
    ) -> None: ...

class InterpParameter(Message):
    HEIGHT_FIELD_NUMBER: ClassVar[int]
    WIDTH_FIELD_NUMBER: ClassVar[int]
    ZOOM_FACTOR_FIELD_NUMBER: ClassVar[int]
    SHRINK_FACTOR_FIELD_NUMBER: ClassVar[int]
    PAD_BEG_FIELD_NUMBER: ClassVar[int]
    PAD_END_FIELD_NUMBER: ClassVar[int]
    height: int
    width: int
    zoom_factor: int
    shrink_factor: int
    pad_beg: int
    pad_end: int
    def __init__(
        self,
        *,
        height: int | None = ...,
        width: int | None = ...,
        zoom_factor: int | None = ...,
        shrink_factor: int | None = ...,
        pad_beg: int | None = ...,
        pad_end: int | None = ...,
    ) -> None: ...

class LabelSpecificAddParameter(Message):
    BIAS_FIELD_NUMBER: ClassVar[int]
    TRANSFORM_TEST_FIELD_NUMBER: ClassVar[int]
    BIAS_BASE_FIELD_NUMBER: ClassVar[int]
    BIAS_GAMMA_FIELD_NUMBER: ClassVar[int]
    BIAS_POWER_FIELD_NUMBER: ClassVar[int]
    BIAS_MIN_FIELD_NUMBER: ClassVar[int]
    BIAS_MAX_FIELD_NUMBER: ClassVar[int]
    ITERATION_FIELD_NUMBER: ClassVar[int]
    bias: float
    transform_test: bool
    bias_base: float
    bias_gamma: float
    bias_power: float
    bias_min: float
    bias_max: float
    iteration: int
    def __init__(
        self,
        *,
        bias: float | None = ...,
        transform_test: bool | None = ...,
        bias_base: float | None = ...,
        bias_gamma: float | None = ...,
        bias_power: float | None = ...,
        bias_min: float | None = ...,
        bias_max: float | None = ...,
        iteration: int | None = ...,
    ) -> None: ...

class LSTMParameter(Message):
    NUM_OUTPUT_FIELD_NUMBER: ClassVar[int]
    CLIPPING_THRESHOLD_FIELD_NUMBER: ClassVar[int]
    WEIGHT_FILLER_FIELD_NUMBER: ClassVar[int]
    BIAS_FILLER_FIELD_NUMBER: ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: ClassVar[int]
    num_output: int
    clipping_threshold: float
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    batch_size: int
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        clipping_threshold: float | None = ...,
        weight_filler: FillerParameter | None = ...,
        bias_filler: FillerParameter | None = ...,
        batch_size: int | None = ...,
    ) -> None: ...

class MarginInnerProductParameter(Message):
    class _MarginTypeMeta(EnumTypeWrapper[MarginInnerProductParameter.MarginType], builtins.type): ...

    class MarginType(int, metaclass=_MarginTypeMeta):
        SINGLE: ClassVar[MarginInnerProductParameter.MarginType]
        DOUBLE: ClassVar[MarginInnerProductParameter.MarginType]
        TRIPLE: ClassVar[MarginInnerProductParameter.MarginType]
        QUADRUPLE: ClassVar[MarginInnerProductParameter.MarginType]

    SINGLE: ClassVar[MarginInnerProductParameter.MarginType]
    DOUBLE: ClassVar[MarginInnerProductParameter.MarginType]
    TRIPLE: ClassVar[MarginInnerProductParameter.MarginType]
    QUADRUPLE: ClassVar[MarginInnerProductParameter.MarginType]
    NUM_OUTPUT_FIELD_NUMBER: ClassVar[int]
    TYPE_FIELD_NUMBER: ClassVar[int]
    WEIGHT_FILLER_FIELD_NUMBER: ClassVar[int]
    AXIS_FIELD_NUMBER: ClassVar[int]
    BASE_FIELD_NUMBER: ClassVar[int]
    GAMMA_FIELD_NUMBER: ClassVar[int]
    POWER_FIELD_NUMBER: ClassVar[int]
    ITERATION_FIELD_NUMBER: ClassVar[int]
    LAMBDA_MIN_FIELD_NUMBER: ClassVar[int]
    num_output: int
    type: MarginInnerProductParameter.MarginType
    weight_filler: FillerParameter
    axis: int
    base: float
    gamma: float
    power: float
    iteration: int
    lambda_min: float
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        type: int | str | None = ...,
        weight_filler: FillerParameter | None = ...,
        axis: int | None = ...,
        base: float | None = ...,
        gamma: float | None = ...,
        power: float | None = ...,
        iteration: int | None = ...,
        lambda_min: float | None = ...,
    ) -> None: ...

class MultiBoxLossParameter(Message):
    class _LocLossTypeMeta(EnumTypeWrapper[MultiBoxLossParameter.LocLossType], builtins.type): ...

    class LocLossType(int, metaclass=_LocLossTypeMeta):
        L2: ClassVar[MultiBoxLossParameter.LocLossType]
        SMOOTH_L1: ClassVar[MultiBoxLossParameter.LocLossType]

    L2: ClassVar[MultiBoxLossParameter.LocLossType]
    SMOOTH_L1: ClassVar[MultiBoxLossParameter.LocLossType]
    class _ConfLossTypeMeta(EnumTypeWrapper[MultiBoxLossParameter.ConfLossType], builtins.type): ...

    class ConfLossType(int, metaclass=_ConfLossTypeMeta):
        SOFTMAX: ClassVar[MultiBoxLossParameter.ConfLossType]
        LOGISTIC: ClassVar[MultiBoxLossParameter.ConfLossType]

    SOFTMAX: ClassVar[MultiBoxLossParameter.ConfLossType]
    LOGISTIC: ClassVar[MultiBoxLossParameter.ConfLossType]
    class _MatchTypeMeta(EnumTypeWrapper[MultiBoxLossParameter.MatchType], builtins.type): ...

    class MatchType(int, metaclass=_MatchTypeMeta):
        BIPARTITE: ClassVar[MultiBoxLossParameter.MatchType]
        PER_PREDICTION: ClassVar[MultiBoxLossParameter.MatchType]

    BIPARTITE: ClassVar[MultiBoxLossParameter.MatchType]
    PER_PREDICTION: ClassVar[MultiBoxLossParameter.MatchType]
    class _MiningTypeMeta(EnumTypeWrapper[MultiBoxLossParameter.MiningType], builtins.type): ...

    class MiningType(int, metaclass=_MiningTypeMeta):
        NONE: ClassVar[MultiBoxLossParameter.MiningType]
        MAX_NEGATIVE: ClassVar[MultiBoxLossParameter.MiningType]
        HARD_EXAMPLE: ClassVar[MultiBoxLossParameter.MiningType]

    NONE: ClassVar[MultiBoxLossParameter.MiningType]
    MAX_NEGATIVE: ClassVar[MultiBoxLossParameter.MiningType]
    HARD_EXAMPLE: ClassVar[MultiBoxLossParameter.MiningType]
    LOC_LOSS_TYPE_FIELD_NUMBER: ClassVar[int]
    CONF_LOSS_TYPE_FIELD_NUMBER: ClassVar[int]
    LOC_WEIGHT_FIELD_NUMBER: ClassVar[int]
    NUM_CLASSES_FIELD_NUMBER: ClassVar[int]
    SHARE_LOCATION_FIELD_NUMBER: ClassVar[int]
    MATCH_TYPE_FIELD_NUMBER: ClassVar[int]
    OVERLAP_THRESHOLD_FIELD_NUMBER: ClassVar[int]
    USE_PRIOR_FOR_MATCHING_FIELD_NUMBER: ClassVar[int]
    BACKGROUND_LABEL_ID_FIELD_NUMBER: ClassVar[int]
    USE_DIFFICULT_GT_FIELD_NUMBER: ClassVar[int]
    DO_NEG_MINING_FIELD_NUMBER: ClassVar[int]
    NEG_POS_RATIO_FIELD_NUMBER: ClassVar[int]
    NEG_OVERLAP_FIELD_NUMBER: ClassVar[int]
    CODE_TYPE_FIELD_NUMBER: ClassVar[int]
    ENCODE_VARIANCE_IN_TARGET_FIELD_NUMBER: ClassVar[int]
    MAP_OBJECT_TO_AGNOSTIC_FIELD_NUMBER: ClassVar[int]
    IGNORE_CROSS_BOUNDARY_BBOX_FIELD_NUMBER: ClassVar[int]
    BP_INSIDE_FIELD_NUMBER: ClassVar[int]
    MINING_TYPE_FIELD_NUMBER: ClassVar[int]
    NMS_PARAM_FIELD_NUMBER: ClassVar[int]
    SAMPLE_SIZE_FIELD_NUMBER: ClassVar[int]
    USE_PRIOR_FOR_NMS_FIELD_NUMBER: ClassVar[int]
    loc_loss_type: MultiBoxLossParameter.LocLossType
    conf_loss_type: MultiBoxLossParameter.ConfLossType
    loc_weight: float
    num_classes: int
    share_location: bool
    match_type: MultiBoxLossParameter.MatchType
    overlap_threshold: float
    use_prior_for_matching: bool
    background_label_id: int
    use_difficult_gt: bool
    do_neg_mining: bool
    neg_pos_ratio: float
    neg_overlap: float
    code_type: PriorBoxParameter.CodeType
    encode_variance_in_target: bool
    map_object_to_agnostic: bool
    ignore_cross_boundary_bbox: bool
    bp_inside: bool
    mining_type: MultiBoxLossParameter.MiningType
    nms_param: NonMaximumSuppressionParameter
    sample_size: int
    use_prior_for_nms: bool
    def __init__(
        self,
        *,
        loc_loss_type: int | str | None = ...,
        conf_loss_type: int | str | None = ...,
        loc_weight: float | None = ...,
        num_classes: int | None = ...,
        share_location: bool | None = ...,
        match_type: int | str | None = ...,
        overlap_threshold: float | None = ...,
        use_prior_for_matching: bool | None = ...,
        background_label_id: int | None = ...,
        use_difficult_gt: bool | None = ...,
        do_neg_mining: bool | None = ...,
        neg_pos_ratio: float | None = ...,
        neg_overlap: float | None = ...,
        code_type: int | str | None = ...,
        encode_variance_in_target: bool | None = ...,
        map_object_to_agnostic: bool | None = ...,
        ignore_cross_boundary_bbox: bool | None = ...,
        bp_inside: bool | None = ...,
        mining_type: int | str | None = ...,
        nms_param: NonMaximumSuppressionParameter | None = ...,
        sample_size: int | None = ...,
        use_prior_for_nms: bool | None = ...,
    ) -> None: ...

class MultiStageMeanfieldParameter(Message):
    class _ModeMeta(EnumTypeWrapper[MultiStageMeanfieldParameter.Mode], builtins.type): ...

    class Mode(int, metaclass=_ModeMeta):
        POTTS: ClassVar[MultiStageMeanfieldParameter.Mode]

    POTTS: ClassVar[MultiStageMeanfieldParameter.Mode]
    NUM_ITERATIONS_FIELD_NUMBER: ClassVar[int]
    COMPATIBILITY_MODE_FIELD_NUMBER: ClassVar[int]
    THRESHOLD_FIELD_NUMBER: ClassVar[int]
    THETA_ALPHA_FIELD_NUMBER: ClassVar[int]
    THETA_BETA_FIELD_NUMBER: ClassVar[int]
    THETA_GAMMA_FIELD_NUMBER: ClassVar[int]
    SPATIAL_FILTER_WEIGHT_FIELD_NUMBER: ClassVar[int]
    BILATERAL_FILTER_WEIGHT_FIELD_NUMBER: ClassVar[int]
    num_iterations: int
    compatibility_mode: MultiStageMeanfieldParameter.Mode
    threshold: float
    theta_alpha: float
    theta_beta: float
    theta_gamma: float
    spatial_filter_weight: float
    bilateral_filter_weight: float
    def __init__(
        self,
        *,
        num_iterations: int | None = ...,
        compatibility_mode: int | str | None = ...,
        threshold: float | None = ...,
        theta_alpha: float | None = ...,
        theta_beta: float | None = ...,
        theta_gamma: float | None = ...,
        spatial_filter_weight: float | None = ...,
        bilateral_filter_weight: float | None = ...,
    ) -> None: ...

class NonMaximumSuppressionParameter(Message):
    NMS_THRESHOLD_FIELD_NUMBER: ClassVar[int]
    TOP_K_FIELD_NUMBER: ClassVar[int]
    ETA_FIELD_NUMBER: ClassVar[int]
    nms_threshold: float
    top_k: int
    eta: float
    def __init__(
        self,
        *,
        nms_threshold: float | None = ...,
        top_k: int | None = ...,
        eta: float | None = ...,
    ) -> None: ...

class NormalizeParameter(Message):
    ACROSS_SPATIAL_FIELD_NUMBER: ClassVar[int]
    SCALE_FILLER_FIELD_NUMBER: ClassVar[int]
    CHANNEL_SHARED_FIELD_NUMBER: ClassVar[int]
    EPS_FIELD_NUMBER: ClassVar[int]
    NORMALIZE_TYPE_FIELD_NUMBER: ClassVar[int]
    FIX_GRADIENT_FIELD_NUMBER: ClassVar[int]
    BP_NORM_FIELD_NUMBER: ClassVar[int]
    across_spatial: bool
    scale_filler: FillerParameter
    channel_shared: bool
    eps: float
    normalize_type: str
    fix_gradient: bool
    bp_norm: bool
    def __init__(
        self,
        *,
        across_spatial: bool | None = ...,
        scale_filler: FillerParameter | None = ...,
        channel_shared: bool | None = ...,
        eps: float | None = ...,
        normalize_type: str | None = ...,
        fix_gradient: bool | None = ...,
        bp_norm: bool | None = ...,
    ) -> None: ...

class PermuteParameter(Message):
    ORDER_FIELD_NUMBER: ClassVar[int]
    order: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        order: Iterable[int] | None = ...,
    ) -> None: ...

class PriorBoxParameter(Message):
    class _CodeTypeMeta(EnumTypeWrapper[PriorBoxParameter.CodeType], builtins.type): ...

    class CodeType(int, metaclass=_CodeTypeMeta):
        CORNER: ClassVar[PriorBoxParameter.CodeType]
        CENTER_SIZE: ClassVar[PriorBoxParameter.CodeType]
        CORNER_SIZE: ClassVar[PriorBoxParameter.CodeType]

    CORNER: ClassVar[PriorBoxParameter.CodeType]
    CENTER_SIZE: ClassVar[PriorBoxParameter.CodeType]
    CORNER_SIZE: ClassVar[PriorBoxParameter.CodeType]
    MIN_SIZE_FIELD_NUMBER: ClassVar[int]
    MAX_SIZE_FIELD_NUMBER: ClassVar[int]
    ASPECT_RATIO_FIELD_NUMBER: ClassVar[int]
    FLIP_FIELD_NUMBER: ClassVar[int]
    CLIP_FIELD_NUMBER: ClassVar[int]
    VARIANCE_FIELD_NUMBER: ClassVar[int]
    IMG_SIZE_FIELD_NUMBER: ClassVar[int]
    IMG_H_FIELD_NUMBER: ClassVar[int]
    IMG_W_FIELD_NUMBER: ClassVar[int]
    STEP_FIELD_NUMBER: ClassVar[int]
    STEP_H_FIELD_NUMBER: ClassVar[int]
    STEP_W_FIELD_NUMBER: ClassVar[int]
    OFFSET_FIELD_NUMBER: ClassVar[int]
    min_size: RepeatedScalarFieldContainer[float]
    max_size: RepeatedScalarFieldContainer[float]
    aspect_ratio: RepeatedScalarFieldContainer[float]
    flip: bool
    clip: bool
    variance: RepeatedScalarFieldContainer[float]
    img_size: int
    img_h: int
    img_w: int
    step: float
    step_h: float
    step_w: float
    offset: float
    def __init__(
        self,
        *,
        min_size: Iterable[float] | None = ...,
        max_size: Iterable[float] | None = ...,
        aspect_ratio: Iterable[float] | None = ...,
        flip: bool | None = ...,
        clip: bool | None = ...,
        variance: Iterable[float] | None = ...,
        img_size: int | None = ...,
        img_h: int | None = ...,
        img_w: int | None = ...,
        step: float | None = ...,
        step_h: float | None = ...,
        step_w: float | None = ...,
        offset: float | None = ...,
    ) -> None: ...

class ProposalParameter(Message):
    FEAT_STRIDE_FIELD_NUMBER: ClassVar[int]
    BASE_SIZE_FIELD_NUMBER: ClassVar[int]
    MIN_SIZE_FIELD_NUMBER: ClassVar[int]
    RATIO_FIELD_NUMBER: ClassVar[int]
    SCALE_FIELD_NUMBER: ClassVar[int]
    PRE_NMS_TOPN_FIELD_NUMBER: ClassVar[int]
    POST_NMS_TOPN_FIELD_NUMBER: ClassVar[int]
    NMS_THRESH_FIELD_NUMBER: ClassVar[int]
    feat_stride: int
    base_size: int
    min_size: int
    ratio: RepeatedScalarFieldContainer[float]
    scale: RepeatedScalarFieldContainer[float]
    pre_nms_topn: int
    post_nms_topn: int
    nms_thresh: float
    def __init__(
        self,
        *,
        feat_stride: int | None = ...,
        base_size: int | None = ...,
        min_size: int | None = ...,
        ratio: Iterable[float] | None = ...,
        scale: Iterable[float] | None = ...,
        pre_nms_topn: int | None = ...,
        post_nms_topn: int | None = ...,
        nms_thresh: float | None = ...,
    ) -> None: ...

class PSROIPoolingParameter(Message):
    SPATIAL_SCALE_FIELD_NUMBER: ClassVar[int]
    OUTPUT_DIM_FIELD_NUMBER: ClassVar[int]
    GROUP_SIZE_FIELD_NUMBER: ClassVar[int]
    spatial_scale: float
    output_dim: int
    group_size: int
    def __init__(
        self,
        *,
        spatial_scale: float | None = ...,
        output_dim: int | None = ...,
        group_size: int | None = ...,
    ) -> None: ...

class RegionLossParameter(Message):
    SIDE_FIELD_NUMBER: ClassVar[int]
    NUM_CLASS_FIELD_NUMBER: ClassVar[int]
    BIAS_MATCH_FIELD_NUMBER: ClassVar[int]
    COORDS_FIELD_NUMBER: ClassVar[int]
    NUM_FIELD_NUMBER: ClassVar[int]
    SOFTMAX_FIELD_NUMBER: ClassVar[int]
    JITTER_FIELD_NUMBER: ClassVar[int]
    RESCORE_FIELD_NUMBER: ClassVar[int]
    OBJECT_SCALE_FIELD_NUMBER: ClassVar[int]
    CLASS_SCALE_FIELD_NUMBER: ClassVar[int]
    NOOBJECT_SCALE_FIELD_NUMBER: ClassVar[int]
    COORD_SCALE_FIELD_NUMBER: ClassVar[int]
    ABSOLUTE_FIELD_NUMBER: ClassVar[int]
    THRESH_FIELD_NUMBER: ClassVar[int]
    RANDOM_FIELD_NUMBER: ClassVar[int]
    BIASES_FIELD_NUMBER: ClassVar[int]
    SOFTMAX_TREE_FIELD_NUMBER: ClassVar[int]
    CLASS_MAP_FIELD_NUMBER: ClassVar[int]
    side: int
    num_class: int
    bias_match: int
    coords: int
    num: int
    softmax: int
    jitter: float
    rescore: int
    object_scale: float
    class_scale: float
    noobject_scale: float
    coord_scale: float
    absolute: int
    thresh: float
    random: int
    biases: RepeatedScalarFieldContainer[float]
    softmax_tree: str
    class_map: str
    def __init__(
        self,
        *,
        side: int | None = ...,
        num_class: int | None = ...,
        bias_match: int | None = ...,
        coords: int | None = ...,
        num: int | None = ...,
        softmax: int | None = ...,
        jitter: float | None = ...,
        rescore: int | None = ...,
        object_scale: float | None = ...,
        class_scale: float | None = ...,
        noobject_scale: float | None = ...,
        coord_scale: float | None = ...,
        absolute: int | None = ...,
        thresh: float | None = ...,
        random: int | None = ...,
        biases: Iterable[float] | None = ...,
        softmax_tree: str | None = ...,
        class_map: str | None = ...,
    ) -> None: ...

class ReorgParameter(Message):
    STRIDE_FIELD_NUMBER: ClassVar[int]
    REVERSE_FIELD_NUMBER: ClassVar[int]
    stride: int
    reverse: bool
    def __init__(
        self,
        *,
        stride: int | None = ...,
        reverse: bool | None = ...,
    ) -> None: ...

class ReverseParameter(Message):
    AXIS_FIELD_NUMBER: ClassVar[int]
    axis: int
    def __init__(
        self,
        *,
        axis: int | None = ...,
    ) -> None: ...

class ROIPoolingParameter(Message):
    POOLED_H_FIELD_NUMBER: ClassVar[int]
    POOLED_W_FIELD_NUMBER: ClassVar[int]
    SPATIAL_SCALE_FIELD_NUMBER: ClassVar[int]
    PAD_RATIO_FIELD_NUMBER: ClassVar[int]
    pooled_h: int
    pooled_w: int
    spatial_scale: float
    pad_ratio: float
    def __init__(
        self,
        *,
        pooled_h: int | None = ...,
        pooled_w: int | None = ...,
        spatial_scale: float | None = ...,
        pad_ratio: float | None = ...,
    ) -> None: ...

class SampleConstraint(Message):
    MIN_JACCARD_OVERLAP_FIELD_NUMBER: ClassVar[int]
    MAX_JACCARD_OVERLAP_FIELD_NUMBER: ClassVar[int]
    MIN_SAMPLE_COVERAGE_FIELD_NUMBER: ClassVar[int]
    MAX_SAMPLE_COVERAGE_FIELD_NUMBER: ClassVar[int]
    MIN_OBJECT_COVERAGE_FIELD_NUMBER: ClassVar[int]
    MAX_OBJECT_COVERAGE_FIELD_NUMBER: ClassVar[int]
    min_jaccard_overlap: float
    max_jaccard_overlap: float
    min_sample_coverage: float
    max_sample_coverage: float
    min_object_coverage: float
    max_object_coverage: float
    def __init__(
        self,
        *,
        min_jaccard_overlap: float | None = ...,
        max_jaccard_overlap: float | None = ...,
        min_sample_coverage: float | None = ...,
        max_sample_coverage: float | None = ...,
        min_object_coverage: float | None = ...,
        max_object_coverage: float | None = ...,
    ) -> None: ...

class Sampler(Message):
    MIN_SCALE_FIELD_NUMBER: ClassVar[int]
    MAX_SCALE_FIELD_NUMBER: ClassVar[int]
    MIN_ASPECT_RATIO_FIELD_NUMBER: ClassVar[int]
    MAX_ASPECT_RATIO_FIELD_NUMBER: ClassVar[int]
    min_scale: float
    max_scale: float
    min_aspect_ratio: float
    max_aspect_ratio: float
    def __init__(
        self,
        *,
        min_scale: float | None = ...,
        max_scale: float | None = ...,
        min_aspect_ratio: float | None = ...,
        max_aspect_ratio: float | None = ...,
    ) -> None: ...

class SaveOutputParameter(Message):
    OUTPUT_DIRECTORY_FIELD_NUMBER: ClassVar[int]
    OUTPUT_NAME_PREFIX_FIELD_NUMBER: ClassVar[int]
    OUTPUT_FORMAT_FIELD_NUMBER: ClassVar[int]
    LABEL_MAP_FILE_FIELD_NUMBER: ClassVar[int]
    NAME_SIZE_FILE_FIELD_NUMBER: ClassVar[int]
    NUM_TEST_IMAGE_FIELD_NUMBER: ClassVar[int]
    RESIZE_PARAM_FIELD_NUMBER: ClassVar[int]
    output_directory: str
    output_name_prefix: str
    output_format: str
    label_map_file: str
    name_size_file: str
    num_test_image: int
    resize_param: ResizeParameter
    def __init__(
        self,
        *,
        output_directory: str | None = ...,
        output_name_prefix: str | None = ...,
        output_format: str | None = ...,
        label_map_file: str | None = ...,
        name_size_file: str | None = ...,
        num_test_image: int | None = ...,
        resize_param: ResizeParameter | None = ...,
    ) -> None: ...

class SegAccuracyParameter(Message):
    class _AccuracyMetricMeta(EnumTypeWrapper[SegAccuracyParameter.AccuracyMetric], builtins.type): ...

    class AccuracyMetric(int, metaclass=_AccuracyMetricMeta):
        PixelAccuracy: ClassVar[SegAccuracyParameter.AccuracyMetric]
        ClassAccuracy: ClassVar[SegAccuracyParameter.AccuracyMetric]
        PixelIOU: ClassVar[SegAccuracyParameter.AccuracyMetric]

    PixelAccuracy: ClassVar[SegAccuracyParameter.AccuracyMetric]
    ClassAccuracy: ClassVar[SegAccuracyParameter.AccuracyMetric]
    PixelIOU: ClassVar[SegAccuracyParameter.AccuracyMetric]
    METRIC_FIELD_NUMBER: ClassVar[int]
    IGNORE_LABEL_FIELD_NUMBER: ClassVar[int]
    RESET_FIELD_NUMBER: ClassVar[int]
    metric: SegAccuracyParameter.AccuracyMetric
    ignore_label: RepeatedScalarFieldContainer[int]
    reset: bool
    def __init__(
        self,
        *,
        metric: int | str | None = ...,
        ignore_label: Iterable[int] | None = ...,
        reset: bool | None = ...,
    ) -> None: ...

class ShuffleChannelParameter(Message):
    GROUP_FIELD_NUMBER: ClassVar[int]
    group: int
    def __init__(
        self,
        *,
        group: int | None = ...,
    ) -> None: ...

class SmoothL1LossParameter(Message):
    SIGMA_FIELD_NUMBER: ClassVar[int]
    sigma: float
    def __init__(
        self,
        *,
        sigma: float | None = ...,
    ) -> None: ...

class TransposeParameter(Message):
    DIM_FIELD_NUMBER: ClassVar[int]
    dim: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        dim: Iterable[int] | None = ...,
    ) -> None: ...

class TripletLossParameter(Message):
    MARGIN_FIELD_NUMBER: ClassVar[int]
    margin: float
    def __init__(
        self,
        *,
        margin: float | None = ...,
    ) -> None: ...

class UpsampleParameter(Message):
    SCALE_FIELD_NUMBER: ClassVar[int]
    SCALE_H_FIELD_NUMBER: ClassVar[int]
    SCALE_W_FIELD_NUMBER: ClassVar[int]
    PAD_OUT_H_FIELD_NUMBER: ClassVar[int]
    PAD_OUT_W_FIELD_NUMBER: ClassVar[int]
    UPSAMPLE_H_FIELD_NUMBER: ClassVar[int]
    UPSAMPLE_W_FIELD_NUMBER: ClassVar[int]
    scale: int
    scale_h: int
    scale_w: int
    pad_out_h: bool
    pad_out_w: bool
    upsample_h: int
    upsample_w: int
    def __init__(
        self,
        *,
        scale: int | None = ...,
        scale_h: int | None = ...,
        scale_w: int | None = ...,
        pad_out_h: bool | None = ...,
        pad_out_w: bool | None = ...,
        upsample_h: int | None = ...,
        upsample_w: int | None = ...,
    ) -> None: ...

class VideoDataParameter(Message):
    class _VideoTypeMeta(EnumTypeWrapper[VideoDataParameter.VideoType], builtins.type): ...

    class VideoType(int, metaclass=_VideoTypeMeta):
        WEBCAM: ClassVar[VideoDataParameter.VideoType]
        VIDEO: ClassVar[VideoDataParameter.VideoType]

    WEBCAM: ClassVar[VideoDataParameter.VideoType]
    VIDEO: ClassVar[VideoDataParameter.VideoType]
    class _ModalityMeta(EnumTypeWrapper[VideoDataParameter.Modality], builtins.type): ...

    class Modality(int, metaclass=_ModalityMeta):
        RGB: ClassVar[VideoDataParameter.Modality]
        FLOW: ClassVar[VideoDataParameter.Modality]

    RGB: ClassVar[VideoDataParameter.Modality]
    FLOW: ClassVar[VideoDataParameter.Modality]
    SOURCE_FIELD_NUMBER: ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: ClassVar[int]
    RAND_SKIP_FIELD_NUMBER: ClassVar[int]
    SHUFFLE_FIELD_NUMBER: ClassVar[int]
    NEW_HEIGHT_FIELD_NUMBER: ClassVar[int]
    NEW_WIDTH_FIELD_NUMBER: ClassVar[int]
    NEW_LENGTH_FIELD_NUMBER: ClassVar[int]
    NUM_SEGMENTS_FIELD_NUMBER: ClassVar[int]
    SCALE_FIELD_NUMBER: ClassVar[int]
    MEAN_FILE_FIELD_NUMBER: ClassVar[int]
    CROP_SIZE_FIELD_NUMBER: ClassVar[int]
    MIRROR_FIELD_NUMBER: ClassVar[int]
    MODALITY_FIELD_NUMBER: ClassVar[int]
    NAME_PATTERN_FIELD_NUMBER: ClassVar[int]
    ENCODED_FIELD_NUMBER: ClassVar[int]
    GRAYSCALE_FIELD_NUMBER: ClassVar[int]
    ROOT_FOLDER_FIELD_NUMBER: ClassVar[int]
    USE_IMAGE_FIELD_NUMBER: ClassVar[int]
    SHOW_DATA_FIELD_NUMBER: ClassVar[int]
    VIDEO_TYPE_FIELD_NUMBER: ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: ClassVar[int]
    VIDEO_FILE_FIELD_NUMBER: ClassVar[int]
    SKIP_FRAMES_FIELD_NUMBER: ClassVar[int]
    source: str
    batch_size: int
    rand_skip: int
    shuffle: bool
    new_height: int
    new_width: int
    new_length: int
    num_segments: int
    scale: float
    mean_file: str
    crop_size: int
    mirror: bool
    modality: VideoDataParameter.Modality
    name_pattern: str
    encoded: bool
    grayscale: bool
    root_folder: str
    use_image: bool
    show_data: bool
    video_type: VideoDataParameter.VideoType
    device_id: int
    video_file: str
    skip_frames: int
    def __init__(
        self,
        *,
        source: str | None = ...,
        batch_size: int | None = ...,
        rand_skip: int | None = ...,
        shuffle: bool | None = ...,
        new_height: int | None = ...,
        new_width: int | None = ...,
        new_length: int | None = ...,
        num_segments: int | None = ...,
        scale: float | None = ...,
        mean_file: str | None = ...,
        crop_size: int | None = ...,
        mirror: bool | None = ...,
        modality: int | str | None = ...,
        name_pattern: str | None = ...,
        encoded: bool | None = ...,
        grayscale: bool | None = ...,
        root_folder: str | None = ...,
        use_image: bool | None = ...,
        show_data: bool | None = ...,
        video_type: int | str | None = ...,
        device_id: int | None = ...,
        video_file: str | None = ...,
        skip_frames: int | None = ...,
    ) -> None: ...

class YoloDetectionOutputParameter(Message):
    SIDE_FIELD_NUMBER: ClassVar[int]
    NUM_CLASSES_FIELD_NUMBER: ClassVar[int]
    NUM_BOX_FIELD_NUMBER: ClassVar[int]
    COORDS_FIELD_NUMBER: ClassVar[int]
    CONFIDENCE_THRESHOLD_FIELD_NUMBER: ClassVar[int]
    NMS_THRESHOLD_FIELD_NUMBER: ClassVar[int]
    BIASES_FIELD_NUMBER: ClassVar[int]
    LABEL_MAP_FILE_FIELD_NUMBER: ClassVar[int]
    side: int
    num_classes: int
    num_box: int
    coords: int
    confidence_threshold: float
    nms_threshold: float
    biases: RepeatedScalarFieldContainer[float]
    label_map_file: str
    def __init__(
        self,
        *,
        side: int | None = ...,
        num_classes: int | None = ...,
        num_box: int | None = ...,
        coords: int | None = ...,
        confidence_threshold: float | None = ...,
        nms_threshold: float | None = ...,
        biases: Iterable[float] | None = ...,
        label_map_file: str | None = ...,
    ) -> None: ...

class Yolov3DetectionOutputParameter(Message):
    NUM_CLASSES_FIELD_NUMBER: ClassVar[int]
    NUM_BOX_FIELD_NUMBER: ClassVar[int]
    CONFIDENCE_THRESHOLD_FIELD_NUMBER: ClassVar[int]
    NMS_THRESHOLD_FIELD_NUMBER: ClassVar[int]
    BIASES_FIELD_NUMBER: ClassVar[int]
    ANCHORS_SCALE_FIELD_NUMBER: ClassVar[int]
    MASK_GROUP_NUM_FIELD_NUMBER: ClassVar[int]
    MASK_FIELD_NUMBER: ClassVar[int]
    GAUSSIAN_BOX_FIELD_NUMBER: ClassVar[int]
    num_classes: int
    num_box: int
    confidence_threshold: float
    nms_threshold: float
    biases: RepeatedScalarFieldContainer[float]
    anchors_scale: RepeatedScalarFieldContainer[int]
    mask_group_num: int
    mask: RepeatedScalarFieldContainer[int]
    gaussian_box: bool
    def __init__(
        self,
        *,
        num_classes: int | None = ...,
        num_box: int | None = ...,
        confidence_threshold: float | None = ...,
        nms_threshold: float | None = ...,
        biases: Iterable[float] | None = ...,
        anchors_scale: Iterable[int] | None = ...,
        mask_group_num: int | None = ...,
        mask: Iterable[int] | None = ...,
        gaussian_box: bool | None = ...,
    ) -> None: ...

class Yolov3Parameter(Message):
    class _IOU_LOSSMeta(EnumTypeWrapper[Yolov3Parameter.IOU_LOSS], builtins.type): ...

    class IOU_LOSS(int, metaclass=_IOU_LOSSMeta):
        IOU: ClassVar[Yolov3Parameter.IOU_LOSS]
        GIOU: ClassVar[Yolov3Parameter.IOU_LOSS]
        MSE: ClassVar[Yolov3Parameter.IOU_LOSS]
        DIOU: ClassVar[Yolov3Parameter.IOU_LOSS]
        CIOU: ClassVar[Yolov3Parameter.IOU_LOSS]

    IOU: ClassVar[Yolov3Parameter.IOU_LOSS]
    GIOU: ClassVar[Yolov3Parameter.IOU_LOSS]
    MSE: ClassVar[Yolov3Parameter.IOU_LOSS]
    DIOU: ClassVar[Yolov3Parameter.IOU_LOSS]
    CIOU: ClassVar[Yolov3Parameter.IOU_LOSS]
    SIDE_FIELD_NUMBER: ClassVar[int]
    NUM_CLASS_FIELD_NUMBER: ClassVar[int]
    NUM_FIELD_NUMBER: ClassVar[int]
    OBJECT_SCALE_FIELD_NUMBER: ClassVar[int]
    CLASS_SCALE_FIELD_NUMBER: ClassVar[int]
    NOOBJECT_SCALE_FIELD_NUMBER: ClassVar[int]
    COORD_SCALE_FIELD_NUMBER: ClassVar[int]
    THRESH_FIELD_NUMBER: ClassVar[int]
    ANCHORS_SCALE_FIELD_NUMBER: ClassVar[int]
    BIASES_FIELD_NUMBER: ClassVar[int]
    MASK_FIELD_NUMBER: ClassVar[int]
    USE_LOGIC_GRADIENT_FIELD_NUMBER: ClassVar[int]
    USE_FOCAL_LOSS_FIELD_NUMBER: ClassVar[int]
    IOU_LOSS_FIELD_NUMBER: ClassVar[int]
    IOU_NORMALIZER_FIELD_NUMBER: ClassVar[int]
    IOU_THRESH_FIELD_NUMBER: ClassVar[int]
    MAX_DELTA_FIELD_NUMBER: ClassVar[int]
    ACCUMULATE_FIELD_NUMBER: ClassVar[int]
    LABEL_SMOOTH_EPS_FIELD_NUMBER: ClassVar[int]
    side: int
    num_class: int
    num: int
    object_scale: float
    class_scale: float
    noobject_scale: float
    coord_scale: float
    thresh: float
    anchors_scale: int
    biases: RepeatedScalarFieldContainer[float]
    mask: RepeatedScalarFieldContainer[int]
    use_logic_gradient: bool
    use_focal_loss: bool
    iou_loss: Yolov3Parameter.IOU_LOSS
    iou_normalizer: float
    iou_thresh: float
    max_delta: float
    accumulate: bool
    label_smooth_eps: float
    def __init__(
        self,
        *,
        side: int | None = ...,
        num_class: int | None = ...,
        num: int | None = ...,
        object_scale: float | None = ...,
        class_scale: float | None = ...,
        noobject_scale: float | None = ...,
        coord_scale: float | None = ...,
        thresh: float | None = ...,
        anchors_scale: int | None = ...,
        biases: Iterable[float] | None = ...,
        mask: Iterable[int] | None = ...,
        use_logic_gradient: bool | None = ...,
        use_focal_loss: bool | None = ...,
        iou_loss: int | str | None = ...,
        iou_normalizer: float | None = ...,
        iou_thresh: float | None = ...,
        max_delta: float | None = ...,
        accumulate: bool | None = ...,
        label_smooth_eps: float | None = ...,
    ) -> None: ...

class DropPathParameter(Message):
    DROP_RATIO_FIELD_NUMBER: ClassVar[int]
    drop_ratio: float
    def __init__(
        self,
        *,
        drop_ratio: float | None = ...,
    ) -> None: ...

class GELUParameter(Message):
    APPROXIMATE_FIELD_NUMBER: ClassVar[int]
    approximate: bool
    def __init__(
        self,
        *,
        approximate: bool | None = ...,
    ) -> None: ...

class GroupNormParameter(Message):
    NUM_GROUPS_FIELD_NUMBER: ClassVar[int]
    EPS_FIELD_NUMBER: ClassVar[int]
    FILLER_FIELD_NUMBER: ClassVar[int]
    BIAS_FILLER_FIELD_NUMBER: ClassVar[int]
    num_groups: int
    eps: float
    filler: FillerParameter
    bias_filler: FillerParameter
    def __init__(
        self,
        *,
        num_groups: int | None = ...,
        eps: float | None = ...,
        filler: FillerParameter | None = ...,
        bias_filler: FillerParameter | None = ...,
    ) -> None: ...

class LayerNormParameter(Message):
    AXIS_FIELD_NUMBER: ClassVar[int]
    NUM_AXES_FIELD_NUMBER: ClassVar[int]
    EPS_FIELD_NUMBER: ClassVar[int]
    FILLER_FIELD_NUMBER: ClassVar[int]
    BIAS_TERM_FIELD_NUMBER: ClassVar[int]
    BIAS_FILLER_FIELD_NUMBER: ClassVar[int]
    axis: int
    num_axes: int
    eps: float
    filler: FillerParameter
    bias_term: bool
    bias_filler: FillerParameter
    def __init__(
        self,
        *,
        axis: int | None = ...,
        num_axes: int | None = ...,
        eps: float | None = ...,
        filler: FillerParameter | None = ...,
        bias_term: bool | None = ...,
        bias_filler: FillerParameter | None = ...,
    ) -> None: ...

class MatMulParameter(Message):
    TRANSPOSE_A_FIELD_NUMBER: ClassVar[int]
    TRANSPOSE_B_FIELD_NUMBER: ClassVar[int]
    SCALE_FIELD_NUMBER: ClassVar[int]
    transpose_a: bool
    transpose_b: bool
    scale: float
    def __init__(
        self,
        *,
        transpose_a: bool | None = ...,
        transpose_b: bool | None = ...,
        scale: float | None = ...,
    ) -> None: ...

class MultiHeadAttentionParameter(Message):
    NUM_HEADS_FIELD_NUMBER: ClassVar[int]
    BIAS_TERM_FIELD_NUMBER: ClassVar[int]
    CAUSAL_FIELD_NUMBER: ClassVar[int]
    WEIGHT_FILLER_FIELD_NUMBER: ClassVar[int]
    BIAS_FILLER_FIELD_NUMBER: ClassVar[int]
    num_heads: int
    bias_term: bool
    causal: bool
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    def __init__(
        self,
        *,
        num_heads: int | None = ...,
        bias_term: bool | None = ...,
        causal: bool | None = ...,
        weight_filler: FillerParameter | None = ...,
        bias_filler: FillerParameter | None = ...,
    ) -> None: ...

class RMSNormParameter(Message):
    AXIS_FIELD_NUMBER: ClassVar[int]
    NUM_AXES_FIELD_NUMBER: ClassVar[int]
    EPS_FIELD_NUMBER: ClassVar[int]
    FILLER_FIELD_NUMBER: ClassVar[int]
    axis: int
    num_axes: int
    eps: float
    filler: FillerParameter
    def __init__(
        self,
        *,
        axis: int | None = ...,
        num_axes: int | None = ...,
        eps: float | None = ...,
        filler: FillerParameter | None = ...,
    ) -> None: ...

class V1LayerParameter(Message):
    class _LayerTypeMeta(EnumTypeWrapper[V1LayerParameter.LayerType], builtins.type): ...

    class LayerType(int, metaclass=_LayerTypeMeta):
        NONE: ClassVar[V1LayerParameter.LayerType]
        ABSVAL: ClassVar[V1LayerParameter.LayerType]
        ACCURACY: ClassVar[V1LayerParameter.LayerType]
        ARGMAX: ClassVar[V1LayerParameter.LayerType]
        BNLL: ClassVar[V1LayerParameter.LayerType]
        CONCAT: ClassVar[V1LayerParameter.LayerType]
        CONTRASTIVE_LOSS: ClassVar[V1LayerParameter.LayerType]
        CONVOLUTION: ClassVar[V1LayerParameter.LayerType]
        DATA: ClassVar[V1LayerParameter.LayerType]
        DECONVOLUTION: ClassVar[V1LayerParameter.LayerType]
        DROPOUT: ClassVar[V1LayerParameter.LayerType]
        DUMMY_DATA: ClassVar[V1LayerParameter.LayerType]
        EUCLIDEAN_LOSS: ClassVar[V1LayerParameter.LayerType]
        ELTWISE: ClassVar[V1LayerParameter.LayerType]
        EXP: ClassVar[V1LayerParameter.LayerType]
        FLATTEN: ClassVar[V1LayerParameter.LayerType]
        HDF5_DATA: ClassVar[V1LayerParameter.LayerType]
        HDF5_OUTPUT: ClassVar[V1LayerParameter.LayerType]
        HINGE_LOSS: ClassVar[V1LayerParameter.LayerType]
        IM2COL: ClassVar[V1LayerParameter.LayerType]
        IMAGE_DATA: ClassVar[V1LayerParameter.LayerType]
        INFOGAIN_LOSS: ClassVar[V1LayerParameter.LayerType]
        INNER_PRODUCT: ClassVar[V1LayerParameter.LayerType]
        LRN: ClassVar[V1LayerParameter.LayerType]
        MEMORY_DATA: ClassVar[V1LayerParameter.LayerType]
        MULTINOMIAL_LOGISTIC_LOSS: ClassVar[V1LayerParameter.LayerType]
        MVN: ClassVar[V1LayerParameter.LayerType]
        POOLING: ClassVar[V1LayerParameter.LayerType]
        POWER: ClassVar[V1LayerParameter.LayerType]
        RELU: ClassVar[V1LayerParameter.LayerType]
        SIGMOID: ClassVar[V1LayerParameter.LayerType]
        SIGMOID_CROSS_ENTROPY_LOSS: ClassVar[V1LayerParameter.LayerType]
        SILENCE: ClassVar[V1LayerParameter.LayerType]
        SOFTMAX: ClassVar[V1LayerParameter.LayerType]
        SOFTMAX_LOSS: ClassVar[V1LayerParameter.LayerType]
        SPLIT: ClassVar[V1LayerParameter.LayerType]
        SLICE: ClassVar[V1LayerParameter.LayerType]
        TANH: ClassVar[V1LayerParameter.LayerType]
        WINDOW_DATA: ClassVar[V1LayerParameter.LayerType]
        THRESHOLD: ClassVar[V1LayerParameter.LayerType]
        CROP: ClassVar[V1LayerParameter.LayerType]
        BN: ClassVar[V1LayerParameter.LayerType]
        CONVOLUTION3D: ClassVar[V1LayerParameter.LayerType]
        POOLING3D: ClassVar[V1LayerParameter.LayerType]
        VIDEO_DATA: ClassVar[V1LayerParameter.LayerType]
        INTERP: ClassVar[V1LayerParameter.LayerType]
        SEG_ACCURACY: ClassVar[V1LayerParameter.LayerType]
        IMAGE_SEG_DATA: ClassVar[V1LayerParameter.LayerType]
        MULTI_STAGE_MEANFIELD: ClassVar[V1LayerParameter.LayerType]

    NONE: ClassVar[V1LayerParameter.LayerType]
    ABSVAL: ClassVar[V1LayerParameter.LayerType]
    ACCURACY: ClassVar[V1LayerParameter.LayerType]
    ARGMAX: ClassVar[V1LayerParameter.LayerType]
    BNLL: ClassVar[V1LayerParameter.LayerType]
    CONCAT: ClassVar[V1LayerParameter.LayerType]
    CONTRASTIVE_LOSS: ClassVar[V1LayerParameter.LayerType]
    CONVOLUTION: ClassVar[V1LayerParameter.LayerType]
    DATA: ClassVar[V1LayerParameter.LayerType]
    DECONVOLUTION: ClassVar[V1LayerParameter.LayerType]
    DROPOUT: ClassVar[V1LayerParameter.LayerType]
    DUMMY_DATA: ClassVar[V1LayerParameter.LayerType]
    EUCLIDEAN_LOSS: ClassVar[V1LayerParameter.LayerType]
    ELTWISE: ClassVar[V1LayerParameter.LayerType]
    EXP: ClassVar[V1LayerParameter.LayerType]
    FLATTEN: ClassVar[V1LayerParameter.LayerType]
    HDF5_DATA: ClassVar[V1LayerParameter.LayerType]
    HDF5_OUTPUT: ClassVar[V1LayerParameter.LayerType]
    HINGE_LOSS: ClassVar[V1LayerParameter.LayerType]
    IM2COL: ClassVar[V1LayerParameter.LayerType]
    IMAGE_DATA: ClassVar[V1LayerParameter.LayerType]
    INFOGAIN_LOSS: ClassVar[V1LayerParameter.LayerType]
    INNER_PRODUCT: ClassVar[V1LayerParameter.LayerType]
    LRN: ClassVar[V1LayerParameter.LayerType]
    MEMORY_DATA: ClassVar[V1LayerParameter.LayerType]
    MULTINOMIAL_LOGISTIC_LOSS: ClassVar[V1LayerParameter.LayerType]
    MVN: ClassVar[V1LayerParameter.LayerType]
    POOLING: ClassVar[V1LayerParameter.LayerType]
    POWER: ClassVar[V1LayerParameter.LayerType]
    RELU: ClassVar[V1LayerParameter.LayerType]
    SIGMOID: ClassVar[V1LayerParameter.LayerType]
    SIGMOID_CROSS_ENTROPY_LOSS: ClassVar[V1LayerParameter.LayerType]
    SILENCE: ClassVar[V1LayerParameter.LayerType]
    SOFTMAX: ClassVar[V1LayerParameter.LayerType]
    SOFTMAX_LOSS: ClassVar[V1LayerParameter.LayerType]
    SPLIT: ClassVar[V1LayerParameter.LayerType]
    SLICE: ClassVar[V1LayerParameter.LayerType]
    TANH: ClassVar[V1LayerParameter.LayerType]
    WINDOW_DATA: ClassVar[V1LayerParameter.LayerType]
    THRESHOLD: ClassVar[V1LayerParameter.LayerType]
    CROP: ClassVar[V1LayerParameter.LayerType]
    BN: ClassVar[V1LayerParameter.LayerType]
    CONVOLUTION3D: ClassVar[V1LayerParameter.LayerType]
    POOLING3D: ClassVar[V1LayerParameter.LayerType]
    VIDEO_DATA: ClassVar[V1LayerParameter.LayerType]
    INTERP: ClassVar[V1LayerParameter.LayerType]
    SEG_ACCURACY: ClassVar[V1LayerParameter.LayerType]
    IMAGE_SEG_DATA: ClassVar[V1LayerParameter.LayerType]
    MULTI_STAGE_MEANFIELD: ClassVar[V1LayerParameter.LayerType]
    class _DimCheckModeMeta(EnumTypeWrapper[V1LayerParameter.DimCheckMode], builtins.type): ...

    class DimCheckMode(int, metaclass=_DimCheckModeMeta):
        STRICT: ClassVar[V1LayerParameter.DimCheckMode]
        PERMISSIVE: ClassVar[V1LayerParameter.DimCheckMode]

    STRICT: ClassVar[V1LayerParameter.DimCheckMode]
    PERMISSIVE: ClassVar[V1LayerParameter.DimCheckMode]
    BOTTOM_FIELD_NUMBER: ClassVar[int]
    TOP_FIELD_NUMBER: ClassVar[int]
    NAME_FIELD_NUMBER: ClassVar[int]
    INCLUDE_FIELD_NUMBER: ClassVar[int]
    EXCLUDE_FIELD_NUMBER: ClassVar[int]
    TYPE_FIELD_NUMBER: ClassVar[int]
    BLOBS_FIELD_NUMBER: ClassVar[int]
    PARAM_FIELD_NUMBER: ClassVar[int]
    BLOB_SHARE_MODE_FIELD_NUMBER: ClassVar[int]
    BLOBS_LR_FIELD_NUMBER: ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: ClassVar[int]
    LOSS_WEIGHT_FIELD_NUMBER: ClassVar[int]
    ACCURACY_PARAM_FIELD_NUMBER: ClassVar[int]
    ARGMAX_PARAM_FIELD_NUMBER: ClassVar[int]
    CONCAT_PARAM_FIELD_NUMBER: ClassVar[int]
    CONTRASTIVE_LOSS_PARAM_FIELD_NUMBER: ClassVar[int]
    CONVOLUTION_PARAM_FIELD_NUMBER: ClassVar[int]
    DATA_PARAM_FIELD_NUMBER: ClassVar[int]
    DROPOUT_PARAM_FIELD_NUMBER: ClassVar[int]
    DUMMY_DATA_PARAM_FIELD_NUMBER: ClassVar[int]
    ELTWISE_PARAM_FIELD_NUMBER: ClassVar[int]
    EXP_PARAM_FIELD_NUMBER: ClassVar[int]
    HDF5_DATA_PARAM_FIELD_NUMBER: ClassVar[int]
    HDF5_OUTPUT_PARAM_FIELD_NUMBER: ClassVar[int]
    HINGE_LOSS_PARAM_FIELD_NUMBER: ClassVar[int]
    IMAGE_DATA_PARAM_FIELD_NUMBER: ClassVar[int]
    INFOGAIN_LOSS_PARAM_FIELD_NUMBER: ClassVar[int]
    INNER_PRODUCT_PARAM_FIELD_NUMBER: ClassVar[int]
    LRN_PARAM_FIELD_NUMBER: ClassVar[int]
    MEMORY_DATA_PARAM_FIELD_NUMBER: ClassVar[int]
    MVN_PARAM_FIELD_NUMBER: ClassVar[int]
    POOLING_PARAM_FIELD_NUMBER: ClassVar[int]
    POWER_PARAM_FIELD_NUMBER: ClassVar[int]
    RELU_PARAM_FIELD_NUMBER: ClassVar[int]
    SIGMOID_PARAM_FIELD_NUMBER: ClassVar[int]
    SOFTMAX_PARAM_FIELD_NUMBER: ClassVar[int]
    SLICE_PARAM_FIELD_NUMBER: ClassVar[int]
    TANH_PARAM_FIELD_NUMBER: ClassVar[int]
    THRESHOLD_PARAM_FIELD_NUMBER: ClassVar[int]
    WINDOW_DATA_PARAM_FIELD_NUMBER: ClassVar[int]
    TRANSFORM_PARAM_FIELD_NUMBER: ClassVar[int]
    LOSS_PARAM_FIELD_NUMBER: ClassVar[int]
    LAYER_FIELD_NUMBER: ClassVar[int]
    BN_PARAM_FIELD_NUMBER: ClassVar[int]
    INTERP_PARAM_FIELD_NUMBER: ClassVar[int]
    SEG_ACCURACY_PARAM_FIELD_NUMBER: ClassVar[int]
    MULTI_STAGE_MEANFIELD_PARAM_FIELD_NUMBER: ClassVar[int]
    SOURCE_FIELD_NUMBER: ClassVar[int]
    UNKNOWN_FIELD_NUMBER: ClassVar[int]
    bottom: RepeatedScalarFieldContainer[str]
    top: RepeatedScalarFieldContainer[str]
    name: str
    include: RepeatedCompositeFieldContainer[NetStateRule]
    exclude: RepeatedCompositeFieldContainer[NetStateRule]
    type: V1LayerParameter.LayerType
    blobs: RepeatedCompositeFieldContainer[BlobProto]
    param: RepeatedScalarFieldContainer[str]
    blob_share_mode: RepeatedScalarFieldContainer[V1LayerParameter.DimCheckMode]
    blobs_lr: RepeatedScalarFieldContainer[float]
    weight_decay: RepeatedScalarFieldContainer[float]
    loss_weight: RepeatedScalarFieldContainer[float]
    accuracy_param: AccuracyParameter
    argmax_param: ArgMaxParameter
    concat_param: ConcatParameter
    contrastive_loss_param: ContrastiveLossParameter
    convolution_param: ConvolutionParameter
    data_param: DataParameter
    dropout_param: DropoutParameter
    dummy_data_param: DummyDataParameter
    eltwise_param: EltwiseParameter
    exp_param: ExpParameter
    hdf5_data_param: HDF5DataParameter
    hdf5_output_param: HDF5OutputParameter
    hinge_loss_param: HingeLossParameter
    image_data_param: ImageDataParameter
    infogain_loss_param: InfogainLossParameter
    inner_product_param: InnerProductParameter
    lrn_param: LRNParameter
    memory_data_param: MemoryDataParameter
    mvn_param: MVNParameter
    pooling_param: PoolingParameter
    power_param: PowerParameter
    relu_param: ReLUParameter
    sigmoid_param: SigmoidParameter
    softmax_param: SoftmaxParameter
    slice_param: SliceParameter
    tanh_param: TanHParameter
    threshold_param: ThresholdParameter
    window_data_param: WindowDataParameter
    transform_param: TransformationParameter
    loss_param: LossParameter
    layer: V0LayerParameter
    bn_param: BNParameter
    interp_param: InterpParameter
    seg_accuracy_param: SegAccuracyParameter
    multi_stage_meanfield_param: MultiStageMeanfieldParameter
    source: Source
    unknown: RepeatedCompositeFieldContainer[UnknownField]
    def __init__(
        self,
        *,
        bottom: Iterable[str] | None = ...,
        top: Iterable[str] | None = ...,
        name: str | None = ...,
        include: Iterable[NetStateRule] | None = ...,
        exclude: Iterable[NetStateRule] | None = ...,
        type: int | str | None = ...,
        blobs: Iterable[BlobProto] | None = ...,
        param: Iterable[str] | None = ...,
        blob_share_mode: Iterable[int | str] | None = ...,
        blobs_lr: Iterable[float] | None = ...,
        weight_decay: Iterable[float] | None = ...,
        loss_weight: Iterable[float] | None = ...,
        accuracy_param: AccuracyParameter | None = ...,
        argmax_param: ArgMaxParameter | None = ...,
        concat_param: ConcatParameter | None = ...,
        contrastive_loss_param: ContrastiveLossParameter | None = ...,
        convolution_param: ConvolutionParameter | None = ...,
        data_param: DataParameter | None = ...,
        dropout_param: DropoutParameter | None = ...,
        dummy_data_param: DummyDataParameter | None = ...,
        eltwise_param: EltwiseParameter | None = ...,
        exp_param: ExpParameter | None = ...,
        hdf5_data_param: HDF5DataParameter | None = ...,
        hdf5_output_param: HDF5OutputParameter | None = ...,
        hinge_loss_param: HingeLossParameter | None = ...,
        image_data_param: ImageDataParameter | None = ...,
        infogain_loss_param: InfogainLossParameter | None = ...,
        inner_product_param: InnerProductParameter | None = ...,
        lrn_param: LRNParameter | None = ...,
        memory_data_param: MemoryDataParameter | None = ...,
        mvn_param: MVNParameter | None = ...,
        pooling_param: PoolingParameter | None = ...,
        power_param: PowerParameter | None = ...,
        relu_param: ReLUParameter | None = ...,
        sigmoid_param: SigmoidParameter | None = ...,
        softmax_param: SoftmaxParameter | None = ...,
        slice_param: SliceParameter | None = ...,
        tanh_param: TanHParameter | None = ...,
        threshold_param: ThresholdParameter | None = ...,
        window_data_param: WindowDataParameter | None = ...,
        transform_param: TransformationParameter | None = ...,
        loss_param: LossParameter | None = ...,
        layer: V0LayerParameter | None = ...,
        bn_param: BNParameter | None = ...,
        interp_param: InterpParameter | None = ...,
        seg_accuracy_param: SegAccuracyParameter | None = ...,
        multi_stage_meanfield_param: MultiStageMeanfieldParameter | None = ...,
        source: Source | None = ...,
        unknown: Iterable[UnknownField] | None = ...,
    ) -> None: ...

class V0LayerParameter(Message):
    class _PoolMethodMeta(EnumTypeWrapper[V0LayerParameter.PoolMethod], builtins.type): ...

    class PoolMethod(int, metaclass=_PoolMethodMeta):
        MAX: ClassVar[V0LayerParameter.PoolMethod]
        AVE: ClassVar[V0LayerParameter.PoolMethod]
        STOCHASTIC: ClassVar[V0LayerParameter.PoolMethod]

    MAX: ClassVar[V0LayerParameter.PoolMethod]
    AVE: ClassVar[V0LayerParameter.PoolMethod]
    STOCHASTIC: ClassVar[V0LayerParameter.PoolMethod]
    NAME_FIELD_NUMBER: ClassVar[int]
    TYPE_FIELD_NUMBER: ClassVar[int]
    NUM_OUTPUT_FIELD_NUMBER: ClassVar[int]
    BIASTERM_FIELD_NUMBER: ClassVar[int]
    WEIGHT_FILLER_FIELD_NUMBER: ClassVar[int]
    BIAS_FILLER_FIELD_NUMBER: ClassVar[int]
    PAD_FIELD_NUMBER: ClassVar[int]
    KERNELSIZE_FIELD_NUMBER: ClassVar[int]
    GROUP_FIELD_NUMBER: ClassVar[int]
    STRIDE_FIELD_NUMBER: ClassVar[int]
    POOL_FIELD_NUMBER: ClassVar[int]
    DROPOUT_RATIO_FIELD_NUMBER: ClassVar[int]
    LOCAL_SIZE_FIELD_NUMBER: ClassVar[int]
    ALPHA_FIELD_NUMBER: ClassVar[int]
    BETA_FIELD_NUMBER: ClassVar[int]
    K_FIELD_NUMBER: ClassVar[int]
    SOURCE_FIELD_NUMBER: ClassVar[int]
    SCALE_FIELD_NUMBER: ClassVar[int]
    MEANFILE_FIELD_NUMBER: ClassVar[int]
    BATCHSIZE_FIELD_NUMBER: ClassVar[int]
    CROPSIZE_FIELD_NUMBER: ClassVar[int]
    MIRROR_FIELD_NUMBER: ClassVar[int]
    BLOBS_FIELD_NUMBER: ClassVar[int]
    BLOBS_LR_FIELD_NUMBER: ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: ClassVar[int]
    RAND_SKIP_FIELD_NUMBER: ClassVar[int]
    DET_FG_THRESHOLD_FIELD_NUMBER: ClassVar[int]
    DET_BG_THRESHOLD_FIELD_NUMBER: ClassVar[int]
    DET_FG_FRACTION_FIELD_NUMBER: ClassVar[int]
    DET_CONTEXT_PAD_FIELD_NUMBER: ClassVar[int]
    DET_CROP_MODE_FIELD_NUMBER: ClassVar[int]
    NEW_NUM_FIELD_NUMBER: ClassVar[int]
    NEW_CHANNELS_FIELD_NUMBER: ClassVar[int]
    NEW_HEIGHT_FIELD_NUMBER: ClassVar[int]
    NEW_WIDTH_FIELD_NUMBER: ClassVar[int]
    SHUFFLE_IMAGES_FIELD_NUMBER: ClassVar[int]
    CONCAT_DIM_FIELD_NUMBER: ClassVar[int]
    HDF5_OUTPUT_PARAM_FIELD_NUMBER: ClassVar[int]
    name: str
    type: str
    num_output: int
    biasterm: bool
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    pad: int
    kernelsize: int
    group: int
    stride: int
    pool: V0LayerParameter.PoolMethod
    dropout_ratio: float
    local_size: int
    alpha: float
    beta: float
    k: float
    source: str
    scale: float
    meanfile: str
    batchsize: int
    cropsize: int
    mirror: bool
    blobs: RepeatedCompositeFieldContainer[BlobProto]
    blobs_lr: RepeatedScalarFieldContainer[float]
    weight_decay: RepeatedScalarFieldContainer[float]
    rand_skip: int
    det_fg_threshold: float
    det_bg_threshold: float
    det_fg_fraction: float
    det_context_pad: int
    det_crop_mode: str
    new_num: int
    new_channels: int
    new_height: int
    new_width: int
    shuffle_images: bool
    concat_dim: int
    hdf5_output_param: HDF5OutputParameter
    def __init__(
        self,
        *,
        name: str | None = ...,
        type: str | None = ...,
        num_output: int | None = ...,
        biasterm: bool | None = ...,
        weight_filler: FillerParameter | None = ...,
        bias_filler: FillerParameter | None = ...,
        pad: int | None = ...,
        kernelsize: int | None = ...,
        group: int | None = ...,
        stride: int | None = ...,
        pool: int | str | None = ...,
        dropout_ratio: float | None = ...,
        local_size: int | None = ...,
        alpha: float | None = ...,
        beta: float | None = ...,
        k: float | None = ...,
        source: str | None = ...,
        scale: float | None = ...,
        meanfile: str | None = ...,
        batchsize: int | None = ...,
        cropsize: int | None = ...,
        mirror: bool | None = ...,
        blobs: Iterable[BlobProto] | None = ...,
        blobs_lr: Iterable[float] | None = ...,
        weight_decay: Iterable[float] | None = ...,
        rand_skip: int | None = ...,
        det_fg_threshold: float | None = ...,
        det_bg_threshold: float | None = ...,
        det_fg_fraction: float | None = ...,
        det_context_pad: int | None = ...,
        det_crop_mode: str | None = ...,
        new_num: int | None = ...,
        new_channels: int | None = ...,
        new_height: int | None = ...,
        new_width: int | None = ...,
        shuffle_images: bool | None = ...,
        concat_dim: int | None = ...,
        hdf5_output_param: HDF5OutputParameter | None = ...,
    ) -> None: ...
