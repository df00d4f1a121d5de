"""Caffe's messages."""

from netcfg.pycaffe.proto import caffe_pb2

__all__ = ["caffe_pb2"]
