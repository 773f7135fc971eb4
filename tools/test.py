"""Test a recognizer. MMAction2's flags.

mim test mmstconv CONFIG --checkpoint CKPT
python tools/test.py CONFIG CKPT [--dump predictions.pkl] ...
"""

import argparse
import gc
import os


class CfgOptions(argparse.Action):
    """MMEngine's ``DictAction``, imported by the first use."""

    def __call__(self, parser, namespace, values, option_string=None):
        from mmengine.config import DictAction

        wrong = [value for value in values if "=" not in value]
        if wrong:
            parser.error(f"{option_string} takes key=value pairs, got {wrong[0]}")
        parse = DictAction(self.option_strings, self.dest, self.nargs)
        parse(parser, namespace, values, option_string)


def parse_args():
    parser = argparse.ArgumentParser(description="Test a tri-modal recognizer")
    parser.add_argument("config", help="test config file path")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("--work-dir", help="the dir to save the metrics")
    parser.add_argument("--dump", help="write the predictions to this .pkl file")
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
    parser.add_argument("--show-dir", help="write visualised predictions here")
    parser.add_argument("--show", action="store_true", help="show them in a window")
    parser.add_argument(
        "--interval", type=int, default=1, help="visualise every n-th sample"
    )
    parser.add_argument(
        "--wait-time", type=float, default=2, help="seconds each window stays"
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
    args = parser.parse_args()
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    if args.dump is not None and not args.dump.endswith((".pkl", ".pickle")):
        parser.error(f"--dump takes a .pkl or .pickle file, got {args.dump}")
    return args


def merge_args(cfg, args):
    """The flags into the config."""
    if args.show or args.show_dir is not None:
        cfg.default_hooks.visualization = dict(
            type="ClipVisualizationHook",
            enable=True,
            show=args.show,
            wait_time=args.wait_time,
            out_dir=args.show_dir,
            interval=args.interval,
        )
    if args.dump is not None:
        metrics = cfg.test_evaluator
        metrics = list(metrics) if isinstance(metrics, (list, tuple)) else [metrics]
        cfg.test_evaluator = [
            *metrics,
            dict(type="OwnDumpResults", out_file_path=args.dump),
        ]
    if args.cfg_options is not None:
        cfg.merge_from_dict(args.cfg_options)
    cfg.load_from, cfg.resume = args.checkpoint, False
    return cfg


def main():
    args = parse_args()
    # Not before: mim asks each script for its help first, and this takes seconds.
    # And not later: it lets configs inherit by ``_base_ = 'mmstconv::...'``.
    # What is imported stays. A fifth of the time would go into looking for garbage
    # in it, here and then again each time that MMEngine builds a data set.
    gc.disable()
    # The threads of PyTorch wait for each other at every layer. They shall not do so at
    # full speed on cores that loader processes could use; GNU's OpenMP reads this once.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    from mmstconv.disk import print_any_name
    from mmstconv.engine.configs import read_config
    from mmstconv.engine.failures import explain_failures
    from mmstconv.engine.launch import build_runner
    from mmstconv.engine.messages import short_errors

    gc.freeze()
    gc.enable()
    print_any_name()
    with short_errors("test"):
        cfg = merge_args(read_config(args.config, args.cfg_options), args)
        runner = build_runner(
            cfg, args.config, args.work_dir, args.launcher, trust=args.trust
        )
        with explain_failures(runner):
            runner.test()


if __name__ == "__main__":
    main()
