"""Nets asked about pictures: classes, boxes, masks and features, from Python or in bulk."""

from netcfg.vision.classifier import Classification, Classifier, Prediction
from netcfg.vision.detector import Box, Detection, Detector
from netcfg.vision.extractor import FeatureExtractor
from netcfg.vision.segmenter import Segmentation, Segmenter
from netcfg.vision.settings import Settings

__all__ = [
    "Box",
    "Classification",
    "Classifier",
    "Detection",
    "Detector",
    "FeatureExtractor",
    "Prediction",
    "Segmentation",
    "Segmenter",
    "Settings",
]
