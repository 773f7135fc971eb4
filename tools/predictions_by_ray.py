"""What predict does with ``--engine ray``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from engine_flags import engine_options
from inference_commands import stamp

from mmstconv.media import MediaError


def predictions_by_ray(
    files: Sequence[Path | str],
    known: Mapping[str, dict],
    run: Mapping,
    args: argparse.Namespace,
) -> Callable[[Path | str], dict]:
    """A function that gives the record of each file, or raises.

    Args:
        files: All, in order.
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
    stamps = {os.fspath(path): _stamp(path) for path in files}
    folder = args.out.with_name(f"{args.out.name}.parts")
    options = engine_options("predict", args)
    return predict_by_ray(work, stamps, known, folder, run, **options)


def _stamp(path: Path | str) -> list | None:
    try:
        return stamp(path)
    except (OSError, MediaError):  # reading it says so
        return None
