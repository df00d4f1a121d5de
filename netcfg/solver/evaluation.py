"""How a solver judges its test nets: SSD's ``eval_type``."""

from netcfg.average_precision import VERSIONS
from netcfg.errors import nearest
from netcfg.net import Net
from netcfg.netcfg_pb2 import SolverParameter
from netcfg.places import field_error
from netcfg.scoring import DetectionMeans, Means

KINDS = ("classification", "detection")
"""Values of ``eval_type``: means of outputs, or average precision of detections."""


def check_evaluation(param: SolverParameter) -> None:
    """Refuse a kind of evaluation that is not known.

    Raises:
        NetError: it names the field.
    """
    for name, known in (("eval_type", KINDS), ("ap_version", VERSIONS)):
        value = getattr(param, name)
        if value not in known:
            message = f"{name} must be one of {', '.join(known)}; given '{value}'"
            raise field_error(param, message + nearest(value, known), name)


def make_means(param: SolverParameter, net: Net) -> Means:
    """Return what takes the scores of a test net."""
    if param.eval_type != "detection":
        return Means(net)
    return DetectionMeans(net, param.ap_version, per_class=param.show_per_class_result)
