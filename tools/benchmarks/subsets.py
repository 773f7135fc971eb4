"""Row 11: scores of every subset of the modalities in one prediction.

Ours: predict of the default tri-modal network with score_subsets=True, which gives the
7 subsets and the one of none. Peer: the same network and clips with False: all
modalities together only. The streams run once on both sides.

    python tools/benchmarks/subsets.py
"""

from __future__ import annotations

import argparse
import time

import torch
from bench_models import SHAPES, STLITE
from measuring import alternate, one_core, report, result
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmaction.utils import register_all_modules
from mmengine.config import Config

GOAL = 1.1


def batch(samples: int, clips: int) -> tuple[dict, list]:
    """As the preprocessor gives it: 16 frames at 112 pixels, their flow and sound."""
    inputs = {name: torch.randn(samples, clips, *one) for name, one in SHAPES.items()}
    return inputs, [ActionDataSample().set_gt_label(0) for _ in range(samples)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=2)
    parser.add_argument("--clips", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=21)
    args = parser.parse_args()
    register_all_modules(init_default_scope=True)
    model = MODELS.build(Config.fromfile(STLITE).model).eval()
    inputs, data_samples = batch(args.samples, args.clips)

    def predict(subsets: bool):
        model.cls_head.score_subsets = subsets
        with torch.no_grad():
            return model(inputs, data_samples, mode="predict")

    one_core()
    sides = dict(every=lambda: predict(True), one=lambda: predict(False))
    spent = alternate(sides, args.rounds, clock=time.process_time)
    found = predict(True)[0]
    report(
        [
            result(
                "11",
                f"all {len(found.subset_scores)} subsets (none included) by one",
                spent["every"],
                spent["one"],
                GOAL,
                scale=1000,
                unit="ms a batch",
                note=f"{args.samples} samples of {args.clips} clips on "
                "one core, CPU time",
            )
        ]
    )


if __name__ == "__main__":
    main()
