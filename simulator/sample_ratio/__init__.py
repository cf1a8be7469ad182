"""Sample-ratio mismatch: whether arms were drawn as often as the log's propensities say."""

from simulator.sample_ratio.alarm import SampleRatioAlarm
from simulator.sample_ratio.sample_ratio import SampleRatio

__all__ = ["SampleRatio", "SampleRatioAlarm"]
