"""Train a recognizer. MMAction2's flags; runs on CPU, one GPU or several processes.

mim train mmstconv stconvnet_lstm_demo-rgb-flow-audio.py
python tools/train.py CONFIG [--work-dir DIR] [--resume [CKPT]] [--amp] ...
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
    parser = argparse.ArgumentParser(description="Train a tri-modal recognizer")
    parser.add_argument("config", help="train config file path")
    parser.add_argument("--work-dir", help="the dir to save logs and models")
    parser.add_argument(
        "--resume",
        nargs="?",
        const="auto",
        help="checkpoint to resume from; without a path, the latest in the work dir",
    )
    parser.add_argument(
        "--amp", action="store_true", help="train with automatic mixed precision"
    )
    parser.add_argument(
        "--no-validate", action="store_true", help="do not validate while training"
    )
    parser.add_argument(
        "--auto-scale-lr",
        action="store_true",
        help="scale the learning rate by actual batch size / base batch size",
    )
    parser.add_argument("--seed", type=int, help="random seed")
    parser.add_argument(
        "--diff-rank-seed", action="store_true", help="another seed on each rank"
    )
    parser.add_argument(
        "--deterministic", action="store_true", help="deterministic CUDNN backend"
    )
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
    args = parser.parse_args()
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    return args


def merge_args(cfg, args):
    """The flags into the config; ``--cfg-options`` last, so it has the final word."""
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.amp:
        if cfg.optim_wrapper.get("type", "OptimWrapper") not in (
            "OptimWrapper",
            "AmpOptimWrapper",
        ):
            raise ValueError(
                f"--amp replaces OptimWrapper by AmpOptimWrapper, but {args.config} "
                f"asks for {cfg.optim_wrapper.type}: leave one of them out"
            )
        cfg.optim_wrapper.type = "AmpOptimWrapper"
        cfg.optim_wrapper.setdefault("loss_scale", "dynamic")
    if args.resume is not None:
        cfg.resume = True
        if args.resume == "auto":
            # what fine-tuning starts from, if it was stopped before it saved anything
            cfg.start_from, cfg.load_from = cfg.get("load_from"), None
        else:
            cfg.load_from = args.resume
    if args.auto_scale_lr:
        cfg.auto_scale_lr.enable = True
    if cfg.get("randomness") is None or args.seed is not None:
        cfg.randomness = dict(
            seed=args.seed,
            diff_rank_seed=args.diff_rank_seed,
            deterministic=args.deterministic,
        )
    if args.cfg_options is not None:
        cfg.merge_from_dict(args.cfg_options)
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
    with short_errors("train", "the same command with --resume goes on"):
        cfg = merge_args(read_config(args.config, args.cfg_options), args)
        runner = build_runner(
            cfg, args.config, args.work_dir, args.launcher, trust=args.trust
        )
        with explain_failures(runner):
            runner.train()


if __name__ == "__main__":
    main()
