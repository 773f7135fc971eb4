"""Fit a temperature, so that predictions are as sure as they are right.

python -m mmstconv calibrate CONFIG CKPT --holdout FILE [--out calibrated.py]

FILE lists videos of the training side that the training held out, in the format of its
annotation: the network is too sure of those that it has learned by heart, so the
config's training list must not have them. Prints the calibration error before and
after, and the line for the config; writes a config that has it with --out.
"""

import argparse
import os
import sys
from copy import deepcopy
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from starting import CfgOptions, say_loading

DECIMALS = 3


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", help="config the checkpoint was trained with")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument(
        "--holdout",
        required=True,
        help="annotation file of videos that the training held out",
    )
    parser.add_argument(
        "--out",
        metavar="calibrated.py",
        help="write a config with the temperature here",
    )
    parser.add_argument("--work-dir", help="the dir to save logs")
    parser.add_argument(
        "--trust",
        action="store_true",
        help="open Python objects in the checkpoint, which may run code: only your own",
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
    return parser.parse_args()


def main():
    args = parse_args()
    say_loading("calibrate")
    from mmstconv.disk import print_any_name
    from mmstconv.engine.messages import short_errors

    print_any_name()
    with short_errors("calibrate"):
        calibrate(args)


def calibrate(args):
    from mmstconv.disk import refuse_foreign
    from mmstconv.engine.configs import read_config
    from mmstconv.engine.launch import build_runner

    if args.out is not None:  # before the pass over the files, not after it
        refuse_foreign([args.out])
        if not Path(args.out).absolute().parent.is_dir():
            raise FileNotFoundError(f"--out {args.out}: its folder does not exist")
    cfg = read_config(args.config, args.cfg_options)
    if args.cfg_options is not None:
        cfg.merge_from_dict(args.cfg_options)
    if not cfg.get("test_dataloader") or not cfg.get("test_cfg"):
        raise ValueError(
            f"{args.config}: has no test_dataloader with a test_cfg, which say how the "
            "held-out videos are to be read; those of validation will do"
        )
    test_on_holdout(cfg, args.holdout)
    cfg.load_from, cfg.resume = args.checkpoint, False
    runner = build_runner(cfg, args.config, args.work_dir, "none", trust=args.trust)
    head = getattr(runner.model, "cls_head", None)
    if not hasattr(head, "temperature") or head.multi_class:
        raise ValueError(
            f"{args.config}: a temperature needs a TriModalFusionHead of one class a "
            f"file, but model.cls_head is of type {type(head).__name__}"
            + (" with multi_class" if getattr(head, "multi_class", False) else "")
        )
    head.temperature = 1.0
    files = names_of(runner.test_dataloader.dataset)
    refuse_trained(cfg, files, args.holdout)
    runner.test()
    (metric,) = runner.test_evaluator.metrics
    show(metric.found)
    write(args, round(metric.found["temperature"], DECIMALS))


def test_on_holdout(cfg, holdout):
    """Let the config test on some files of its training side."""
    data = cfg.test_dataloader.dataset
    data.ann_file = holdout
    data.data_prefix = deepcopy(innermost(cfg.train_dataloader.dataset).data_prefix)
    cfg.test_evaluator = dict(type="CalibrationMetric")


def innermost(data):
    """The config of a data set without those that wrap it."""
    while "dataset" in data:
        data = data.dataset
    return data


def names_of(dataset):
    """The files of a built data set."""
    infos = map(dataset.get_data_info, range(len(dataset)))
    return {os.path.realpath(one["filename"]) for one in infos}


def refuse_trained(cfg, files, holdout):
    """Stop if the network has seen the files; say so if it was chosen by them."""
    from mmaction.registry import DATASETS

    for split, verb in (("train", "trains"), ("val", "validates")):
        loader = cfg.get(f"{split}_dataloader")
        if not loader:
            continue
        both = files & names_of(DATASETS.build(innermost(loader.dataset)))
        if not both:
            continue
        what = (
            f"{len(both)} of the {len(files)} files of {holdout} are among those that "
            f"the config {verb} on, such as {min(both)}"
        )
        if split == "train":
            raise ValueError(
                f"{what}: the network is surer of these than of others. Train without "
                "them (train_dataloader.dataset.ann_file), see docs/calibration.md"
            )
        print(
            f"calibrate: {what}: its calibration there is not a test", file=sys.stderr
        )


def show(found):
    from mmstconv.evaluation.calibration_report import reliability_rows
    from mmstconv.evaluation.report import align

    print(f"{found['samples']} files, {found['accuracy']:.1%} right\n")
    rows = [["temperature", "calibration error %", "by chance %", "NLL"]]
    for name, key in (("1", "before"), (f"{found['temperature']:.3f}", "after")):
        one = found[key]
        cells = [f"{100 * one[measure]:.2f}" for measure in ("ece", "chance")]
        rows.append([name, *cells, f"{one['nll']:.3f}"])
    print(align(rows))
    for key in ("before", "after"):
        print(f"\n{key}:\n{align(reliability_rows(found[key]['bins']))}")
    print(
        f"\ntemperature {found['temperature']:.3f}, give or take {found['error']:.3f} "
        "(one standard error)"
    )


def write(args, temperature):
    from mmstconv.disk import write_own

    line = f"model = dict(cls_head=dict(temperature={temperature}))"
    print(f"for the config:\n  {line}")
    if args.out is None:
        return
    base = os.path.relpath(args.config, Path(args.out).absolute().parent)
    write_own(args.out, f"_base_ = [{Path(base).as_posix()!r}]\n\n{line}\n")
    print(f"written to {args.out}")


if __name__ == "__main__":
    main()
