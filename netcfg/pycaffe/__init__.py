"""Caffe's Python module on top of netcfg: ``import netcfg.pycaffe as caffe``.

``python -m netcfg.pycaffe SCRIPT`` runs programs in which ``import caffe`` means this module.
"""

from netcfg.pycaffe import classifier, coord_map, detector, io, net_spec, proto
from netcfg.pycaffe.classifier import Classifier
from netcfg.pycaffe.detector import Detector
from netcfg.pycaffe.layer import Layer, layer_type_list
from netcfg.pycaffe.log import init_log, log
from netcfg.pycaffe.mode import (
    TEST,
    TRAIN,
    has_nccl,
    set_device,
    set_mode_cpu,
    set_mode_gpu,
    set_multiprocess,
    set_random_seed,
    set_solver_count,
    set_solver_rank,
    solver_count,
    solver_rank,
)
from netcfg.pycaffe.net import Net
from netcfg.pycaffe.net_spec import NetSpec, layers, params, to_proto
from netcfg.pycaffe.solver import (
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
    Solver,
    get_solver,
)
from netcfg.pycaffe.timer import Timer

__all__ = [
    "TEST",
    "TRAIN",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "Classifier",
    "Detector",
    "Layer",
    "NesterovSolver",
    "Net",
    "NetSpec",
    "RMSPropSolver",
    "SGDSolver",
    "Solver",
    "Timer",
    "classifier",
    "coord_map",
    "detector",
    "get_solver",
    "has_nccl",
    "init_log",
    "io",
    "layer_type_list",
    "layers",
    "log",
    "net_spec",
    "params",
    "proto",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_multiprocess",
    "set_random_seed",
    "set_solver_count",
    "set_solver_rank",
    "solver_count",
    "solver_rank",
    "to_proto",
]

__version__ = "1.0.0"
"""The version of Caffe whose Python API this is."""
