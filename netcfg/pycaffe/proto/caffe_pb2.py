"""Caffe's messages under the name that programs import: those of netcfg's schema.

They have Caffe's field numbers, so what they read and write is Caffe's.
"""

from netcfg.netcfg_pb2 import *  # noqa: F403 - all of it, whatever programs ask for
