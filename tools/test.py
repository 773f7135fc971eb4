"""Test a recognizer. MMAction2's flags.

mim test mmstconv CONFIG --checkpoint CKPT
python tools/test.py CONFIG CKPT [--dump predictions.pkl] ...
"""

import argparse

from starting import add_shared_flags, run


def parse_args():
    parser = argparse.ArgumentParser(description="Test a tri-modal recognizer")
    parser.add_argument("config", help="test config file path")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("--work-dir", help="the dir to save the metrics")
    parser.add_argument("--dump", help="write the predictions to this .pkl file")
    parser.add_argument("--show-dir", help="write visualised predictions here")
    parser.add_argument("--show", action="store_true", help="show them in a window")
    parser.add_argument(
        "--interval", type=int, default=1, help="visualise every n-th sample"
    )
    parser.add_argument(
        "--wait-time", type=float, default=2, help="seconds each window stays"
    )
    add_shared_flags(parser)
    args = parser.parse_args()
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
    run("test", parse_args(), merge_args)


if __name__ == "__main__":
    main()
