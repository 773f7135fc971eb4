"""Measure how fast this machine loads a config's data and trains its model.

mmstconv bench CONFIG [--seconds 10] [--cfg-options train_dataloader.num_workers=4]

Three figures in samples a second: loading alone, training steps alone, both together;
and the share of a training's time in which the model waits for data. Where it waits,
more workers help, or prepared files (mmstconv prepare). Nothing is written.
"""

import argparse
import json

from starting import CfgOptions, say_loading

from mmstconv.disk import print_any_name


def parse_args():
    parser = argparse.ArgumentParser(
        description="Measure how fast this machine loads data and trains",
        epilog="example: mmstconv bench CONFIG --seconds 5",
    )
    parser.add_argument("config", help="train config file path")
    parser.add_argument(
        "--seconds", type=float, default=10.0, help="of each of the three"
    )
    parser.add_argument("--device", help="default: a GPU if there is one")
    parser.add_argument("--json", action="store_true", help="for machines")
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
    return parser.parse_args()


def as_text(speed):
    memory = f", {speed.peak_memory / 2**30:.1f} GiB" if speed.peak_memory else ""
    return "\n".join(
        [
            f"batches of {speed.batch_size}, {speed.workers} workers, "
            f"{speed.device}{memory}; samples a second:",
            f"  loading alone         {speed.loading:10.1f}",
            f"  training steps alone  {speed.step:10.1f}",
            f"  both together         {speed.training:10.1f}",
            f"of a training, {speed.waiting:.0%} is waiting for data",
        ]
    )


def main():
    print_any_name()
    args = parse_args()
    say_loading("bench")
    from mmstconv.engine.messages import short_errors

    with short_errors("bench"):
        from mmstconv.apis.bench import bench

        speed = bench(
            args.config,
            seconds=args.seconds,
            device=args.device,
            options=args.cfg_options,
        )
        print(json.dumps(speed._asdict()) if args.json else as_text(speed))


if __name__ == "__main__":
    main()
