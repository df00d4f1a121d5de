from google.protobuf import text_format

from netcfg import netcfg_pb2
from netcfg.pycaffe.proto import caffe_pb2


def test_the_messages_are_those_of_the_schema():
    assert caffe_pb2.NetParameter is netcfg_pb2.NetParameter
    assert (caffe_pb2.TRAIN, caffe_pb2.TEST) == (0, 1)
    assert caffe_pb2.PoolingParameter.AVE == 1


def test_protobufs_text_format_reads_them():
    net = text_format.Merge("layer { name: 'a' type: 'ReLU' }", caffe_pb2.NetParameter())
    assert net.layer[0].type == "ReLU"
    solver = caffe_pb2.SolverParameter()
    text_format.Parse("base_lr: 0.5 solver_mode: CPU", solver)
    assert solver.solver_mode == caffe_pb2.SolverParameter.CPU
    again = text_format.Parse(text_format.MessageToString(net), caffe_pb2.NetParameter())
    assert again == net
