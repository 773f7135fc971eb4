"""Recognise video files.

python tools/predict.py CONFIG CHECKPOINT VIDEO [VIDEO ...] [--top 3] [--device cpu]

Prints the most probable classes; of a model for several classes a file all those whose
probability reaches --threshold.
A file that cannot be used is named, the others are recognised all the same; the exit
code is 1 then. A damaged file is recognised by what is left of it, with a warning.
"""

import argparse
import sys
from functools import partial

from file_results import each_usable
from inference_commands import add_shared_flags, load

from mmstconv.apis import (
    class_names,
    class_probabilities,
    has_several_classes,
    predict_video,
)
from mmstconv.apis.tasks import require_classes
from mmstconv.disk import print_any_name
from mmstconv.engine.messages import short_errors


def probability(text):
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must lie in 0..1, got {text}")
    return value


def parse_args():
    parser = argparse.ArgumentParser(description="Recognise video files")
    parser.add_argument("config", help="config the checkpoint was trained with")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("videos", nargs="+", metavar="video", help="video file")
    parser.add_argument("--top", type=int, default=3, help="classes to print")
    parser.add_argument(
        "--threshold",
        type=probability,
        default=0.5,
        help="of several classes a file, print those of this probability and above",
    )
    add_shared_flags(parser)
    return parser.parse_args()


def show(path, result, model, top, threshold):
    presence = result.metainfo.get("presence", {})
    present = [name for name, here in presence.items() if here]
    print(f"{path} ({', '.join(present)})")
    names = class_names(model)
    shares, labels = class_probabilities(model, result.pred_score).sort(descending=True)
    ranking = [
        f"{share:6.1%}  {names[label]}"
        for share, label in zip(shares.tolist(), labels.tolist())
    ]
    if has_several_classes(model):
        top = int((shares >= threshold).sum())
        if not top:
            print(f"  no class reaches {threshold:.1%}; first is {ranking[0].lstrip()}")
    for line in ranking[:top]:
        print(f"  {line}")


@short_errors("predict")
def main():
    print_any_name()
    args = parse_args()
    model = load(args)
    require_classes(model)

    def then(path, result):
        show(path, result, model, args.top, args.threshold)
        for what in result.metainfo.get("damage", ()):
            print(f"predict: {path}: {what}", file=sys.stderr)

    read = partial(predict_video, model)
    sys.exit(each_usable("predict", args.videos, read, then) > 0)


if __name__ == "__main__":
    main()
