"""Sequential statistics for a server that is watched all the time: each states how often it may cry wolf."""

from engine.core.monitoring.change_detector import ChangeDetector
from engine.core.monitoring.low_mean_detector import LowMeanDetector
from engine.core.monitoring.relative_entropy import relative_entropy
from engine.core.monitoring.share_test import ShareTest

__all__ = ["ChangeDetector", "LowMeanDetector", "ShareTest", "relative_entropy"]
