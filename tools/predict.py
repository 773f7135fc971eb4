"""Recognise one video file.

python tools/predict.py CONFIG CHECKPOINT VIDEO [--top 3] [--device cpu]
"""

import argparse
import sys

from mmstconv.apis import load_recognizer, predict_video


def parse_args():
    parser = argparse.ArgumentParser(description="Recognise one video file")
    parser.add_argument("config", help="config the checkpoint was trained with")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("video", help="video file")
    parser.add_argument("--top", type=int, default=3, help="classes to print")
    parser.add_argument("--device", help="default: a GPU if there is one")
    return parser.parse_args()


def main():
    args = parse_args()
    try:
        model = load_recognizer(args.config, args.checkpoint, args.device)
        result = predict_video(model, args.video)
    except (OSError, ValueError) as error:
        sys.exit(f"predict: {error}")
    names = model.dataset_meta.get("classes")
    presence = result.metainfo.get("presence", {})
    present = [name for name, here in presence.items() if here]
    print(f"{args.video} ({', '.join(present)})")
    scores, labels = result.pred_score.topk(min(args.top, len(result.pred_score)))
    for score, label in zip(scores.tolist(), labels.tolist()):
        print(f"  {score:6.1%}  {label if names is None else names[label]}")


if __name__ == "__main__":
    main()
