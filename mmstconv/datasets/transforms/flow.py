"""Optical flow of the augmented frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from .checks import one_of, positive_int, positive_number, require
from .roles import Role
from .stock import frames_per_clip, is_stock, steps_on, without_last

Flow = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _dis() -> Flow:
    solver = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return lambda first, second: solver.calc(first, second, None)


def _dis_fast() -> Flow:
    """The medium preset with sparser patches (every 4 pixels) and without refinement.

    OpenCV's fast preset stops at a quarter of the resolution, this at half. With fewer
    steps for each patch a few that move fast end up anywhere.
    """
    solver = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    solver.setFinestScale(1)
    solver.setPatchStride(4)
    solver.setGradientDescentIterations(25)
    solver.setVariationalRefinementIterations(0)
    return lambda first, second: solver.calc(first, second, None)


def _farneback() -> Flow:
    return lambda first, second: cv2.calcOpticalFlowFarneback(
        first, second, None, 0.5, 3, 15, 3, 5, 1.2, 0
    )


def _tvl1() -> Flow:
    solver = cv2.optflow.createOptFlow_DualTVL1()
    return lambda first, second: solver.calc(first, second, None)


METHODS: dict[str, Callable[[], Flow]] = {
    "dis": _dis,
    "dis_fast": _dis_fast,
    "farneback": _farneback,
    "tvl1": _tvl1,
}


@TRANSFORMS.register_module()
class ComputeFlow(BaseTransform):
    """Derives the optical flow from each frame to the next.

    It comes after all geometric augmentations, so it always agrees with the frames.
    Values are rounded to 255 levels between the bounds, zero among them, as if they had
    been stored as images (I3D, https://arxiv.org/abs/1705.07750).

    Behind MMAction2's samplers and decoders the last step of flow leads to a clip's
    last frame, which is then used up: ``SampleFrames(clip_len=T + 1)`` gives T steps.

    Required Keys:

        - imgs
        - clip_len
        - frame_times, or MMAction2's frame_inds
        - presence (optional)

    Modified Keys (behind MMAction2's samplers):

        - imgs: without the last frame of each clip
        - clip_len: one less

    Added Keys:

        - flow: float32 ``(M, 2, clip_len, H, W)``, x then y, in pixels per frame; H and
          W are those of the frames, divided by ``shrink``, and pixels are those of
          this size

    Args:
        method: ``'dis'``, ``'dis_fast'`` (a third of the time, more error),
            ``'farneback'`` or ``'tvl1'`` (slow; needs OpenCV's contrib package). See
            docs/performance.md.
        bound: Largest flow in pixels.
        shrink: Give the mean over squares of so many pixels a side: flow is smooth, a
            stream for it needs less resolution than one for appearance.
    """

    role = Role(modalities=("flow",), settings=("bound",))

    def __init__(
        self, method: str = "dis", bound: float = 20.0, shrink: int = 1
    ) -> None:
        self.method = one_of("method", method, list(METHODS))
        self.bound = positive_number("bound", bound)
        self.shrink = positive_int("shrink", shrink)
        if method == "tvl1" and not hasattr(cv2, "optflow"):
            raise ValueError("method 'tvl1' needs opencv-contrib-python")

    def transform(self, results: dict) -> dict:
        images = require(results, "imgs", self, "LoadFrames or a decoder of MMAction2")
        frames = frames_per_clip(results, self)
        self._check(images, frames)
        clips = len(images) // frames
        height, width = (side // self.shrink for side in images[0].shape[:2])
        flow = np.zeros((clips, 2, frames - 1, height, width), np.float32)
        if results.get("presence", {}).get("flow", True):
            runs_on = steps_on(results, frames)  # none where the clip starts again
            solver = METHODS[self.method]()
            with single_threaded():
                for clip in range(clips):
                    grey = [
                        cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
                        for image in images[clip * frames : (clip + 1) * frames]
                    ]
                    for k in np.flatnonzero(runs_on[clip % len(runs_on)]):
                        vectors = solver(grey[k], grey[k + 1])  # (H, W, 2)
                        if self.shrink > 1:
                            vectors = cv2.resize(
                                vectors, (width, height), interpolation=cv2.INTER_AREA
                            )
                            vectors /= self.shrink
                        flow[clip, :, k] = vectors.transpose(2, 0, 1)
            quantize(flow, self.bound, out=flow)
        results["flow"] = flow
        if is_stock(results):
            results["imgs"] = without_last(images, frames)
            results["clip_len"] = frames - 1
        return results

    @staticmethod
    def _check(images: Sequence[np.ndarray], frames: int) -> None:
        shape = np.shape(images[0])
        if len(shape) != 3 or shape[2] != 3:
            raise ValueError(
                "ComputeFlow needs RGB frames (H, W, 3), got images of shape "
                f"{shape}; put it before FormatShape, and leave it out where the "
                "images are flow already"
            )
        if frames < 2:
            raise ValueError(
                "ComputeFlow needs two frames of each clip, got clip_len=1; ask "
                "SampleFrames for one frame more than the steps of flow you want"
            )

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(method={self.method!r}, bound={self.bound}, "
            f"shrink={self.shrink})"
        )


def quantize(
    flow: np.ndarray, bound: float, out: np.ndarray | None = None
) -> np.ndarray:
    """Rounds to multiples of ``2 * bound / 255`` within ``bound``; NaN becomes zero.

    Args:
        flow: float32, of any shape.
        bound: Largest absolute value.
        out: Where the result goes; a new array if None.
    """
    step = np.float32(2 * bound / 255)
    levels = np.divide(flow, step, out=out, dtype=np.float32)
    np.clip(levels, -127, 127, out=levels)
    np.rint(levels, out=levels)
    if np.isnan(levels.sum()):
        np.nan_to_num(levels, copy=False)
    return np.multiply(levels, step, out=levels)


@contextmanager
def single_threaded() -> Iterator[None]:
    """Keeps OpenCV from starting threads in every worker of a data loader."""
    threads = cv2.getNumThreads()
    if threads > 1:
        cv2.setNumThreads(1)
    try:
        yield
    finally:
        if threads > 1:
            cv2.setNumThreads(threads)
