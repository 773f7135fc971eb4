"""The transforms of a pipeline: open, sample by time, load, derive, format."""

from .audio import LogMel, RawAudio
from .audio_feature import LoadClipAudioFeature
from .clip_rand_augment import ClipRandAugment
from .clip_random_erasing import ClipRandomErasing
from .fetching import FetchMedia
from .film_segment import CropFilmSegment
from .film_steps import CropFilmSteps, LoadFilmSteps, PackFilmSteps
from .flip_views import FlipViews
from .flow import ComputeFlow
from .flow_images import LoadFlowImages, SplitFlowImages
from .formatting import FormatClips
from .frame_array import LoadFrameArray
from .importance import AlignImportance, LoadRatedFeatures
from .loading import LoadFrames, LoadWaveform
from .opening import OpenMedia
from .raw_frames import OpenRawFrames
from .roles import Role
from .sample_window import SampleWindow
from .sampling import SampleClips
from .spec_augment import SpecAugment
from .split_future import SplitFuture

__all__ = [
    "AlignImportance",
    "ClipRandAugment",
    "ClipRandomErasing",
    "ComputeFlow",
    "CropFilmSegment",
    "CropFilmSteps",
    "FetchMedia",
    "FlipViews",
    "FormatClips",
    "LoadClipAudioFeature",
    "LoadFilmSteps",
    "LoadFlowImages",
    "LoadFrameArray",
    "LoadFrames",
    "LoadRatedFeatures",
    "LoadWaveform",
    "LogMel",
    "OpenMedia",
    "OpenRawFrames",
    "PackFilmSteps",
    "RawAudio",
    "Role",
    "SampleClips",
    "SampleWindow",
    "SpecAugment",
    "SplitFlowImages",
    "SplitFuture",
]
