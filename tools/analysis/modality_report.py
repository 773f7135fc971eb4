"""What each modality brought: subsets, Shapley values, complementarity, weights.

mim run mmstconv modality_report CONFIG CKPT
python tools/analysis/modality_report.py CONFIG CKPT [--out DIR]

One pass over the test data of the config; the streams run once, fusion and
classifier once for each subset of the modalities. Prints a table, and writes
modality_report.json, .csv and .png; over those of an earlier report, and over no
other files.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from starting import CfgOptions, say_loading


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", help="test config file path")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("--out", help="folder of the report (default: the work dir)")
    parser.add_argument("--work-dir", help="the dir to save logs")
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


def score_subsets(model, config):
    """Make the head predict from every subset of the modalities."""
    head = getattr(model, "cls_head", None)
    if not hasattr(head, "score_subsets"):
        raise ValueError(
            f"{config}: the report needs a head that predicts from subsets of the "
            f"modalities (TriModalFusionHead), but model.cls_head is of "
            f"type {type(head).__name__}"
        )
    head.score_subsets = True


def main():
    args = parse_args()
    say_loading("modality_report")
    from mmstconv.disk import print_any_name
    from mmstconv.engine.messages import short_errors

    print_any_name()
    with short_errors("modality_report"):
        report(args)


def report(args):
    from mmstconv.disk import is_own, refuse_foreign
    from mmstconv.engine.configs import read_config
    from mmstconv.engine.launch import build_runner
    from mmstconv.engine.work_dir import check_writable
    from mmstconv.evaluation.report import report_files, to_text

    cfg = read_config(args.config, args.cfg_options)
    if args.cfg_options is not None:
        cfg.merge_from_dict(args.cfg_options)
    cfg.load_from = args.checkpoint
    cfg.test_evaluator = dict(type="ModalityMetric")
    runner = build_runner(cfg, args.config, args.work_dir, "none")
    score_subsets(runner.model, args.config)
    out = Path(args.out or runner.work_dir)
    try:  # before the pass over the data, not after it
        check_writable(out)
        refuse_foreign(report_files(out))
    except OSError as error:
        sys.exit(f"modality_report: {error}")
    (metric,) = runner.test_evaluator.metrics
    metric.out_dir = out
    runner.test()
    print(to_text(metric.report))
    if not all(is_own(path) for path in report_files(out)):
        sys.exit("modality_report: not all files were written, see above")
    print(f"\nWritten: {out / 'modality_report'}.json, .csv, .png")


if __name__ == "__main__":
    main()
