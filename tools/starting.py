"""How commands start; what train.py and test.py share: flags, and the way to a runner.

Nothing here imports the package before the flags are read: mim asks each script for its
help first, and importing torch and MMEngine takes seconds. Three settings that a CPU
needs can only be made here, before numpy and torch are imported and around the imports;
all others are in ``mmstconv/engine/cpu.py``.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable

# Threads that wait shall not spin for long on cores that others could use. Both
# libraries read this once, when torch and numpy are imported; a user's setting stays.
# GNU's OpenMP: PyTorch's threads wait for each other at every layer.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
# numpy's OpenBLAS: its threads go on spinning after each product of matrices (grey
# values, the bands of log-mel), in each loader process too. Our products are small.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def begin(command: str) -> None:
    """Say that a command is at work, and let it import only what it names.

    To be called once the arguments are known to be right, before imports that take
    longer than people wait for an answer.

    Args:
        command: Its name, for the message.
    """
    from mmstconv.light_start import import_what_is_named

    say_loading(command)
    import_what_is_named()


def say_loading(command: str) -> None:
    """The first line of a command that imports for seconds; of several ranks, one's."""
    if "torch" not in sys.modules and os.environ.get("RANK", "0") == "0":
        print(f"{command}: loading", file=sys.stderr, flush=True)


class CfgOptions(argparse.Action):
    """MMEngine's ``DictAction``, imported by the first use."""

    def __call__(self, parser, namespace, values, option_string=None):
        from mmengine.config import DictAction

        wrong = [value for value in values if "=" not in value]
        if wrong:
            parser.error(f"{option_string} takes key=value pairs, got {wrong[0]}")
        parse = DictAction(self.option_strings, self.dest, self.nargs)
        parse(parser, namespace, values, option_string)


def add_shared_flags(parser: argparse.ArgumentParser) -> None:
    """Add what both scripts take."""
    parser.add_argument(
        "--trust",
        action="store_true",
        help="open Python objects in checkpoints, which may run code: only your own",
    )
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=CfgOptions,
        help="override settings of the config, as key=value pairs",
    )
    parser.add_argument(
        "--traceback",
        action="store_true",
        help="show where in the program an error arose, also one of the user's",
    )
    parser.add_argument(
        "--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none"
    )
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0)


def run(
    command: str, args: argparse.Namespace, merge_args: Callable, *, goes_on: str = ""
) -> None:
    """Build a runner and let it train or test; errors become messages.

    Args:
        command: ``'train'`` or ``'test'``.
        args: The flags.
        merge_args: Takes config and flags and returns the config with the flags in it.
        goes_on: After Ctrl-C: what to do to go on.
    """
    say_loading(command)
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    # What is imported stays. The collector is not to look through it while it grows,
    # nor again each time that MMEngine builds a data set.
    gc.disable()
    # These also let configs inherit by ``_base_ = 'mmstconv::...'``.
    from mmstconv.disk import print_any_name
    from mmstconv.engine.configs import read_config
    from mmstconv.engine.failures import explain_failures
    from mmstconv.engine.launch import build_runner
    from mmstconv.engine.messages import short_errors

    gc.freeze()
    gc.enable()
    print_any_name(goes_on=command == "train")
    with short_errors(command, goes_on):
        cfg = merge_args(read_config(args.config, args.cfg_options), args)
        runner = build_runner(
            cfg, args.config, args.work_dir, args.launcher, trust=args.trust
        )
        with explain_failures(runner):
            getattr(runner, command)()
