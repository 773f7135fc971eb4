"""Row 8b: the default tri-modal model beside its RGB stream alone.

    python tools/benchmarks/three_streams.py

All sides are loss and backward of configs/_base_/models/stlite_trimodal.py or of some
of its streams (with the head), same batch and threads: RGB alone; all three as the
config has them, with flow on a grid of half the size; all three with flow at the size
of RGB. The lines without a goal show what stands in the way: the time of each other
stream by RGB's. One after the other, three streams cannot cost less than RGB and those.
"""

from __future__ import annotations

import argparse

import torch
from bench_models import SHAPES, STLITE, recognizer, training_step
from measuring import alternate, report, result

LARGE = {**SHAPES, "flow": (2, 16, 112, 112)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    torch.manual_seed(0)
    every = recognizer(STLITE)
    flow = recognizer(STLITE, ("flow",))
    sides = {
        "rgb": training_step(recognizer(STLITE, ("rgb",)), args.batch),
        "three": training_step(every, args.batch),
        "three, flow at 112 x 112": training_step(every, args.batch, LARGE),
        "flow alone": training_step(flow, args.batch),
        "flow alone at 112 x 112": training_step(flow, args.batch, LARGE),
        "audio alone": training_step(recognizer(STLITE, ("audio",)), args.batch),
    }
    spent = alternate(sides, args.rounds)
    report(
        [
            result(
                "8b",
                f"{name} by RGB alone",
                spent[name],
                spent["rgb"],
                1.0 if name == "three" else None,
                scale=1000 / args.batch,
                unit="ms a clip",
                note=f"{torch.get_num_threads()} threads, batch {args.batch}, float32",
            )
            for name in sides
            if name != "rgb"
        ]
    )


if __name__ == "__main__":
    main()
