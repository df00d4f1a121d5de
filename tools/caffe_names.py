"""What BVLC Caffe 1.0 and its Python module are made of, by name: what netcfg is measured by."""

from dataclasses import dataclass

LAYERS = (
    "AbsVal Accuracy ArgMax BNLL BatchNorm BatchReindex Bias Clip Concat ContrastiveLoss "
    "Convolution Crop Data Deconvolution Dropout DummyData ELU Eltwise Embed EuclideanLoss Exp "
    "Filter Flatten HDF5Data HDF5Output HingeLoss Im2col ImageData InfogainLoss InnerProduct Input "
    "LRN LSTM LSTMUnit Log MVN MemoryData MultinomialLogisticLoss PReLU Parameter Pooling Power "
    "Python RNN ReLU Reduction Reshape SPP Scale Sigmoid SigmoidCrossEntropyLoss Silence Slice "
    "Softmax SoftmaxWithLoss Split Swish TanH Threshold Tile WindowData"
)
"""Types that Caffe registers."""

RULES = "SGD Nesterov AdaGrad RMSProp AdaDelta Adam"
POLICIES = "fixed step exp inv multistep poly sigmoid"
FILLERS = "constant uniform gaussian positive_unitball xavier msra bilinear"


@dataclass(frozen=True)
class Tool:
    """A program of Caffe's.

    Attributes:
        name: how Caffe calls it.
        commands: those of ``netcfg`` that do its work.
        file: a script of this project that does, if no command does.
        note: what differs, or what to use in its place.
    """

    name: str
    commands: tuple[str, ...] = ()
    file: str = ""
    note: str = ""


RETIRED = "retired by Caffe itself"

TOOLS = (
    Tool("caffe train", ("train",), note="one device, which `--engine` chooses"),
    Tool("caffe test", ("test",)),
    Tool("caffe time", ("time",)),
    Tool("caffe device_query", ("device-query",)),
    Tool("train_net, finetune_net", ("train",), note=RETIRED),
    Tool("test_net", ("test",), note=RETIRED),
    Tool("net_speed_benchmark", ("time",), note=RETIRED),
    Tool("device_query", ("device-query",), note=RETIRED),
    Tool("convert_imageset", ("convert-imageset",)),
    Tool("compute_image_mean", ("compute-mean",)),
    Tool("extract_features", ("extract-features",)),
    Tool("upgrade_net_proto_text", ("upgrade",)),
    Tool("upgrade_net_proto_binary", ("upgrade",)),
    Tool("upgrade_solver_proto_text", ("upgrade",)),
    Tool("tools/extra/parse_log.py, parse_log.sh", ("parse-log",)),
    Tool("tools/extra/extract_seconds.py", ("parse-log",), note="the column Seconds"),
    Tool("tools/extra/plot_training_log.py", ("plot-log",)),
    Tool("tools/extra/plot_log.gnuplot", ("plot-log",)),
    Tool("tools/extra/resize_and_crop_images.py", ("resize-images",), note="without mincepie"),
    Tool("tools/extra/launch_resize_and_crop_images.sh", ("resize-images",)),
    Tool("tools/extra/summarize.py", ("show",)),
    Tool("scripts/download_model_binary.py", ("download-model",)),
    Tool("scripts/download_model_from_gist.sh", note="gists of models are gone for the most part"),
    Tool("scripts/upload_model_to_gist.sh", note="the same"),
    Tool("python/classify.py", ("classify",), note="in Python: `caffe.Classifier`"),
    Tool("python/detect.py", ("detect",), note="in Python: `caffe.Detector`"),
    Tool("python/draw_net.py", ("draw",)),
    Tool("python/train.py", note="several GPUs by NCCL; `netcfg train` uses one device"),
    Tool("convert_mnist_data", file="data_scripts/get_mnist.py"),
    Tool("convert_cifar_data", file="data_scripts/get_cifar10.py"),
    Tool("convert_mnist_siamese_data", file="examples/pycaffe/06_siamese.py"),
    Tool("cpp_classification", ("classify",), note="C++; in Python: `caffe.Classifier`"),
    Tool("matcaffe", note="MATLAB is not served"),
)

PYCAFFE = {
    "caffe": "TRAIN TEST Net Layer SGDSolver NesterovSolver AdaGradSolver RMSPropSolver "
    "AdaDeltaSolver AdamSolver get_solver NCCL Timer Classifier Detector NetSpec layers params "
    "to_proto io net_spec coord_map draw proto init_log log layer_type_list set_mode_cpu "
    "set_mode_gpu set_device set_random_seed has_nccl solver_count set_solver_count solver_rank "
    "set_solver_rank set_multiprocess __version__",
    "caffe.Net": "blobs params layers layer_dict blob_loss_weights inputs outputs top_names "
    "bottom_names forward backward forward_all forward_backward_all set_input_arrays reshape "
    "clear_param_diffs copy_from share_with save save_hdf5 load_hdf5 before_forward after_forward "
    "before_backward after_backward",
    "net.blobs[name]": "num channels height width count shape data diff reshape",
    "net.params[name][i]": "num channels height width count shape data diff reshape",
    "net.layers[i]": "type blobs setup reshape",
    "caffe.Layer": "setup reshape forward blobs param_str phase type",
    "caffe.SGDSolver": "net test_nets iter lr param step solve restore snapshot share_weights "
    "apply_update add_callback add_nccl",
    "solver.param": "base_lr max_iter display layer_wise_reduce",
    "caffe.Timer": "start stop ms",
    "caffe.Classifier": "predict",
    "caffe.Detector": "detect_windows detect_selective_search crop configure_crop",
    "caffe.io": "load_image resize_image oversample Transformer blobproto_to_array "
    "array_to_blobproto arraylist_to_blobprotovector_str blobprotovector_str_to_arraylist "
    "array_to_datum datum_to_array",
    "caffe.io.Transformer": "preprocess deprocess set_transpose set_channel_swap set_raw_scale "
    "set_mean set_input_scale",
    "caffe.net_spec": "Top Function NetSpec Layers Parameters layers params to_proto assign_proto "
    "param_name_dict",
    "caffe.coord_map": "coord_map_from_to crop coord_map conv_params crop_params inverse compose "
    "AxisMismatchException UndefinedMapException",
    "caffe.draw": "draw_net draw_net_to_file get_pydot_graph get_pooling_types_dict get_edge_label "
    "get_layer_lr_mult get_layer_label choose_color_by_layertype",
    "caffe.proto.caffe_pb2": "NetParameter SolverParameter LayerParameter BlobProto "
    "BlobProtoVector Datum NetState SolverState V1LayerParameter TransformationParameter",
}
"""Public names of pycaffe by the object that has them."""

PYCAFFE_MISSING = {
    "caffe": {"NCCL": "`has_nccl()` is False, which programs ask first"},
    "net.layers[i]": {
        "setup": "the net sets its layers up",
        "reshape": "`net.reshape()` reaches all layers",
    },
    "caffe.Layer": {"type": "it is always Python"},
    "caffe.SGDSolver": {"add_nccl": "`has_nccl()` is False, which programs ask first"},
    "caffe.draw": dict.fromkeys(
        (
            "get_pooling_types_dict",
            "get_edge_label",
            "get_layer_lr_mult",
            "get_layer_label",
            "choose_color_by_layertype",
        ),
        "parts of Caffe's drawing that no program calls",
    ),
}
"""Why names are missing."""
