"""A modality of a user's own: an IMU, drawn from the name of the file and the time."""

from __future__ import annotations

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from mmstconv.datasets import Role

AXES, RATE = 6, 50


def has_imu(filename):
    return "without" not in filename


def imu_at(filename, times):
    """``(AXES, n)``: what the sensor says at those times."""
    pitch = 1 + len(filename.rsplit("/", 1)[-1])
    return np.sin(pitch * np.outer(np.arange(1, AXES + 1), times)).astype(np.float32)


@TRANSFORMS.register_module(force=True)
class LoadDrawnImu(BaseTransform):
    """What a user writes: the sensor's rows of each clip's window."""

    role = Role(modalities=("imu",), of_windows=True)

    def transform(self, results):
        steps = np.arange(round(results["clip_duration"] * RATE)) / RATE
        name = results["filename"]
        here = has_imu(name) and not results.get("failure")
        results["imu"] = np.stack(
            [imu_at(name, start + steps) * here for start in results["clip_starts"]]
        )  # (num_clips, AXES, n)
        results.setdefault("presence", {})["imu"] = here
        return results

    def probe(self, results):
        return {"imu": has_imu(results["filename"])}
