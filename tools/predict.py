"""Recognise video files.

python tools/predict.py CONFIG CHECKPOINT VIDEO [VIDEO ...] [--top 3] [--device cpu]

A file that cannot be used is named, the others are recognised all the same; the exit
code is 1 then. A damaged file is recognised by what is left of it, with a warning.
"""

import argparse
import sys

from mmstconv.apis import load_recognizer, predict_video
from mmstconv.engine.messages import short_errors
from mmstconv.media import MediaError


def parse_args():
    parser = argparse.ArgumentParser(description="Recognise video files")
    parser.add_argument("config", help="config the checkpoint was trained with")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("videos", nargs="+", metavar="video", help="video file")
    parser.add_argument("--top", type=int, default=3, help="classes to print")
    parser.add_argument("--device", help="default: a GPU if there is one")
    parser.add_argument(
        "--trust",
        action="store_true",
        help="open Python objects in the checkpoint, which may run code: only your own",
    )
    parser.add_argument(
        "--traceback",
        action="store_true",
        help="show where in the program an error arose, also one of the user's",
    )
    return parser.parse_args()


def show(path, result, names, top):
    presence = result.metainfo.get("presence", {})
    present = [name for name, here in presence.items() if here]
    print(f"{path} ({', '.join(present)})")
    scores, labels = result.pred_score.topk(min(top, len(result.pred_score)))
    for score, label in zip(scores.tolist(), labels.tolist()):
        print(f"  {score:6.1%}  {label if names is None else names[label]}")


@short_errors("predict")
def main():
    args = parse_args()
    model = load_recognizer(args.config, args.checkpoint, args.device, trust=args.trust)
    failed = 0
    for path in args.videos:
        try:
            result = predict_video(model, path)
        except (OSError, MediaError) as error:
            failed += 1
            print(f"predict: {error}", file=sys.stderr)
        else:
            show(path, result, model.dataset_meta.get("classes"), args.top)
            for what in result.metainfo.get("damage", ()):
                print(f"predict: {path}: {what}", file=sys.stderr)
    if failed and len(args.videos) > 1:
        print(
            f"predict: {failed} of {len(args.videos)} files cannot be used",
            file=sys.stderr,
        )
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
