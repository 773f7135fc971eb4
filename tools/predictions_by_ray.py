"""What predict does with ``--engine ray``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from engine_flags import engine_options
from file_names import key_of


def predictions_by_ray(
    files: Sequence[Path | str],
    stamps: Mapping[str, list | None],
    known: Mapping[str, dict],
    run: Mapping,
    args: argparse.Namespace,
) -> Callable[[Path | str], dict]:
    """A function that gives the record of each file, or raises.

    Args:
        files: All, in order.
        stamps: Of those that are not known, by :func:`key_of`.
        known: Records of some of them, by :func:`key_of`.
        run: What the records depend on beside the files.
        args: Of the command.
    """
    from mmstconv.apis.predict_in_actors import PredictWork, predict_by_ray

    work = PredictWork(
        args.config,
        args.checkpoint,
        args.device,
        args.trust,
        args.top,
        args.threshold,
        args.batch_size,
    )
    stamps = {**{key: one["stamp"] for key, one in known.items()}, **stamps}
    told = {os.fspath(path): stamps[key_of(path)] for path in files}
    folder = args.out.with_name(f"{args.out.name}.parts")
    options = engine_options("predict", args)
    return predict_by_ray(work, told, known, folder, run, **options)
