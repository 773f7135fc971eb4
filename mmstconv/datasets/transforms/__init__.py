"""The pipeline: open, sample by time, load, derive, format."""

from .audio import LogMel, RawAudio
from .flow import ComputeFlow
from .formatting import FormatClips
from .loading import LoadFrames, LoadWaveform
from .opening import OpenMedia
from .precomputed import LoadClipAudioFeature, LoadFlowImages, SplitFlowImages
from .sampling import SampleClips

__all__ = [
    "ComputeFlow",
    "FormatClips",
    "LoadClipAudioFeature",
    "LoadFlowImages",
    "LoadFrames",
    "LoadWaveform",
    "LogMel",
    "OpenMedia",
    "RawAudio",
    "SampleClips",
    "SplitFlowImages",
]
