"""Recognise a published checkpoint and convert it for a config of ours.

python tools/convert_checkpoint.py FILE [--out OUT] [--in-channels 2] [--inflate] ...
"""

import argparse
import ast
from pathlib import Path

from starting import begin


class Options(argparse.Action):
    """``NAME=VALUE`` pairs; values are Python's where they can be."""

    def __call__(self, parser, namespace, values, option_string=None):
        options = {}
        for pair in values:
            name, equals, value = pair.partition("=")
            if not equals:
                parser.error(f"{option_string} takes NAME=VALUE, got {pair!r}")
            try:
                options[name] = ast.literal_eval(value)
            except (ValueError, SyntaxError):
                options[name] = value
        setattr(namespace, self.dest, options)


def parse_args():
    parser = argparse.ArgumentParser(
        description="Recognise a published checkpoint and convert it"
    )
    parser.add_argument("checkpoint", help="checkpoint file of a known project")
    parser.add_argument("--out", help="default: NAME_mmstconv.pth in this folder")
    parser.add_argument(
        "--in-channels", type=int, help="adapt the first layer, e.g. 2 for flow"
    )
    parser.add_argument(
        "--inflate", action="store_true", help="2D kernels for the 3D network"
    )
    parser.add_argument(
        "--modality",
        choices=["rgb", "flow", "audio"],
        help="what it will read, if not what it was trained on",
    )
    parser.add_argument(
        "--ema",
        action="store_true",
        help="of a file with both, take the weights averaged over training",
    )
    parser.add_argument(
        "--eps", type=float, help="of the batch norms, if not the layout's own"
    )
    parser.add_argument(
        "--options",
        nargs="+",
        action=Options,
        default={},
        metavar="NAME=VALUE",
        help="of the layout, what its weights do not show (the report names them)",
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="open Python objects in the file, which may run code: only your own files",
    )
    parser.add_argument(
        "--traceback",
        action="store_true",
        help="show where in the program an error arose, also one of the user's",
    )
    return parser.parse_args()


def main():
    args = parse_args()
    begin("convert_checkpoint")
    from mmstconv.apis import convert_checkpoint
    from mmstconv.disk import print_any_name
    from mmstconv.engine.messages import short_errors

    print_any_name()
    with short_errors("convert_checkpoint"):
        conversion = convert_checkpoint(
            args.checkpoint,
            in_channels=args.in_channels,
            inflate=args.inflate,
            modality=args.modality,
            ema=args.ema,
            eps=args.eps,
            options=args.options,
            trust=args.trust,
        )
        print(conversion.table())
        out = args.out or f"{Path(args.checkpoint).stem}_mmstconv.pth"
        out = conversion.save(out)
    print(f"preprocessing:\n  {conversion.preprocessing or 'not fixed by the source'}")
    print("for a config, in the stream:")
    print(f"  backbone={as_code(conversion.backbone)},")
    init_cfg = dict(type="AdaptedPretrained", checkpoint=str(out))
    print(f"  init_cfg={as_code(init_cfg)},")
    print(f"written to {out}")


def as_code(cfg):
    """A config in the notation of config files."""
    if isinstance(cfg, dict):
        items = (f"{key}={as_code(value)}" for key, value in cfg.items())
        return f"dict({', '.join(items)})"
    if isinstance(cfg, list):
        return f"[{', '.join(map(as_code, cfg))}]"
    return repr(cfg)


if __name__ == "__main__":
    main()
