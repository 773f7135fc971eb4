"""Row 8: the default tri-modal model beside MMAction2's C3D on RGB only.

    python tools/benchmarks/default_model.py

Ours: loss and backward of configs/_base_/models/stlite_trimodal.py (three streams,
LSTMs, gated fusion, auxiliary losses), from preprocessed inputs. The peer: forward and
backward of MMAction2's C3D with its I3DHead on the same RGB clips. Both with the same
threads and batch, both with batch statistics and dropout on.
"""

from __future__ import annotations

import argparse

import torch
from bench_models import STLITE, recognizer, rgb_recognizer, training_step
from measuring import alternate, report, result

C3D = dict(type="C3D", dropout_ratio=0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    torch.manual_seed(0)
    ours = training_step(recognizer(STLITE), args.batch)
    peer = training_step(rgb_recognizer(C3D, channels=4096), args.batch)
    spent = alternate(dict(ours=ours, peer=peer), args.rounds)
    report(
        [
            result(
                "8",
                "default tri-modal model by MMAction2's C3D on RGB",
                spent["ours"],
                spent["peer"],
                0.15,
                scale=1000 / args.batch,
                unit="ms a clip",
                note=f"{torch.get_num_threads()} threads, batch {args.batch}, float32",
            )
        ]
    )


if __name__ == "__main__":
    main()
