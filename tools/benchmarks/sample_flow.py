"""Row 2: the tri-modal training sample where flow has to be accurate.

    python tools/benchmarks/sample_flow.py

Ours and peer as in row 1. Beside the time, the end-point error of the pipeline's flow
on translations of 1 to 8 pixels of textured images, and that of OpenCV's DIS presets.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from bench_clips import WEB
from flow_truth import translations
from measuring import Result, report
from pipelines import compare_samples, trimodal

from mmstconv.datasets.transforms.flow import METHODS

GOAL = 1.0
MAX_ERROR = 0.1  # pixels
MARGIN = 8
PIXELS = tuple(k / 2 for k in range(2, 17)) * 6  # 1 to 8, six textures each
OPENCV = {
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}


def error(solver: Callable) -> float:
    """Mean end-point error in pixels, without the margin that has left the image."""
    inner = slice(MARGIN, -MARGIN)
    return float(
        np.mean(
            [
                np.hypot(*(solver(first, second) - shift).transpose(2, 0, 1))[
                    inner, inner
                ]
                for first, second, shift in translations(PIXELS)
            ]
        )
    )


def errors() -> list[Result]:
    """Of the pipeline's method, beside OpenCV's presets."""
    (step,) = (step for step in trimodal() if step["type"] == "ComputeFlow")
    ours = error(METHODS[step["method"]]())
    results = []
    for name, preset in OPENCV.items():
        solver = cv2.DISOpticalFlow_create(preset)
        peer = error(lambda a, b, solver=solver: solver.calc(a, b, None))
        results.append(
            Result(
                row="2",
                name=f"end-point error of '{step['method']}', beside DIS {name}",
                ratio=ours / peer,
                spread=None,
                goal=None,
                ours=ours,
                peer=peer,
                unit="pixels",
                note=f"at most {MAX_ERROR} wanted",
            )
        )
    return results


if __name__ == "__main__":
    report([*compare_samples("2", WEB, GOAL), *errors()])
