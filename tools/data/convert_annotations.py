"""Writes the lists of a data set, in the form it was published in, as those we read.

    mmstconv convert-annotations ucf101 /data/UCF101 --out data/ucf101

Name the form, or ``auto``: then the folder is looked at. ``--list`` names all of them
and what each expects. The folder holds the published lists and the media, at any depth.
Written are train.txt, val.txt and test.txt (all.txt where nothing is split),
classes.txt, and missing.txt with what no file was found for. The last lines printed are
the settings of the data set for a config.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mmstconv.disk import local_path, print_any_name
from mmstconv.light_start import import_what_is_named

if TYPE_CHECKING:
    from mmstconv.datasets.official import Layout, Written

AUTO = "auto"


class ListForms(argparse.Action):
    """Prints the forms and ends."""

    def __call__(self, parser, *args, **kwargs):
        from mmstconv.datasets.official import FORMS

        for name, form in FORMS.items():
            print(f"{name}: {form.expects}")
        parser.exit()


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", metavar="NAME", help="form of the data set, or 'auto'")
    parser.add_argument("folder", type=local_path, help="with its lists and media")
    parser.add_argument("--out", type=local_path, required=True, help="folder of lists")
    parser.add_argument(
        "--mend", action="store_true", help="leave out lines that repeat earlier ones"
    )
    parser.add_argument(
        "--list", action=ListForms, nargs=0, help="name all forms and end"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    print_any_name()
    import_what_is_named()
    args = parse_args(arguments)
    from mmstconv.engine.messages import short_errors

    with short_errors("convert_annotations"):
        convert(args)


def convert(args: argparse.Namespace) -> None:
    """Reads the data set, writes its lists and says what was done."""
    from mmstconv.datasets.official import find_layout, read_layout, write_lists

    if args.name == AUTO:
        layout = find_layout(args.folder, args.mend)
        if layout is None:
            raise ValueError(
                f"{args.folder} holds no data set that is known; --list names the forms"
            )
    else:
        layout = read_layout(args.folder, args.name, args.mend)
    written = write_lists(layout, Path(args.folder), Path(args.out))
    print("\n".join(summary(layout, written, Path(args.out))))


def summary(layout: Layout, written: Written, out: Path) -> list[str]:
    """What was written, what is missing, and the settings for a config."""
    kind = "several labels a sample" if layout.multi_label else "one label a sample"
    lines = [f"{layout.name}: {len(layout.classes)} classes, {kind}"]
    for path in written.files.values():
        with path.open("rb") as file:
            lines.append(f"{path}: {sum(1 for _ in file)} samples")
    if layout.missing:
        count = len(layout.missing)
        total = count + len(layout.samples)
        lines.append(f"{out / 'missing.txt'}: {count} of {total} have no file")
    if written.left_out:
        lines.append(
            f"{len(written.left_out)} names fit no line: {out / 'missing.txt'}"
        )
    lines += layout.notes
    lines += [f"extracted {m}: {pattern}" for m, pattern in layout.extracted]
    settings = ", ".join(f"{key}={value!r}" for key, value in written.dataset.items())
    return [*lines, f"dataset=dict({settings}, ann_file=...)"]


if __name__ == "__main__":
    main()
