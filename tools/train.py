"""Train a recognizer. MMAction2's flags; runs on CPU, one GPU or several processes.

mim train mmstconv stconvnet_lstm_demo-rgb-flow-audio.py
python tools/train.py CONFIG [--work-dir DIR] [--resume [CKPT]] [--amp] ...
"""

import argparse

from starting import add_shared_flags, run


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
    add_shared_flags(parser)
    return parser.parse_args()


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
    goes_on = "the same command with --resume goes on"
    run("train", parse_args(), merge_args, goes_on=goes_on)


if __name__ == "__main__":
    main()
