"""The flags of commands that also work in actors of Ray."""

from __future__ import annotations

import argparse
import sys

from tqdm import tqdm


def add_engine_flags(parser: argparse.ArgumentParser) -> None:
    """Add ``--engine`` and ``--chunk``; ``--workers`` is the command's own."""
    parser.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="ray: in actors of Ray, as many as --workers, here or on the cluster of "
        "RAY_ADDRESS; what is found is kept in parts below --out",
    )
    parser.add_argument(
        "--chunk", type=int, help="files of a part of --engine ray; default: by count"
    )


def check_engine_flags(
    parser: argparse.ArgumentParser, args: argparse.Namespace
) -> None:
    """Ends the command where they do not fit each other."""
    if args.chunk is not None and (args.chunk < 1 or args.engine != "ray"):
        parser.error("--chunk is a number from 1 on, of --engine ray")
    if args.engine != "ray":
        return
    if not args.out:
        parser.error("--engine ray needs --out, where its parts go")
    if args.workers is not None and args.workers < 1:
        parser.error("--engine ray needs 1 or more --workers")
    if ":" in (getattr(args, "device", None) or ""):
        parser.error("of --engine ray Ray says which GPU: give --device cuda, or none")


def engine_options(command: str, args: argparse.Namespace) -> dict:
    """What these flags are for ``mmstconv.apis.parts``."""

    def warn(text: str) -> None:
        tqdm.write(f"{command}: {text}", file=sys.stderr)  # above a bar, if any

    return dict(actors=args.workers, size=args.chunk, warn=warn)
