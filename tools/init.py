"""Begin with a folder of videos: check, split, write lists and a config to train.

    mmstconv init data/videos
    mmstconv train videos_mmstconv/videos.py

FOLDER holds a folder for each class, or a data set as it is distributed. It is only
read. All that a training needs goes to a new folder (videos_mmstconv): train.txt,
val.txt, test.txt, classes.txt, files.csv with all that is known of each file, and a
config of a dozen lines. Files of one source stay in one list.

Files that cannot be used are named and left out. Run again, it checks files that are
new or have changed; a config that you have edited is kept.
"""

import argparse
import shlex
import sys

from starting import begin

from mmstconv.disk import local_path, print_any_name


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {text}")
    return value


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=local_path, help="of videos; is only read")
    parser.add_argument(
        "--out", type=local_path, help="folder to write to; default: ./NAME_mmstconv"
    )
    parser.add_argument("--layout", help="how FOLDER is laid out; default: as it looks")
    parser.add_argument(
        "--mend",
        action="store_true",
        help="leave out lines of FOLDER's lists that repeat earlier ones",
    )
    parser.add_argument(
        "--source",
        metavar="REGEX",
        help="what it finds in a file's path below FOLDER is the file's source, as "
        r"'person\d+'; '.+' makes each file one; default: as names and folders tell",
    )
    parser.add_argument(
        "--epochs", type=positive, help="to train; default: more for fewer files"
    )
    parser.add_argument(
        "--workers", type=positive, help="processes that check; default: one a core"
    )
    parser.add_argument(
        "--traceback",
        action="store_true",
        help="show where in the program an error arose, also one of the user's",
    )
    args = parser.parse_args()
    if not args.folder.is_dir():  # said before the imports
        sys.exit(f"init: there is no folder {args.folder}")
    return args


def next_commands(started):
    """What to run next, to be copied as it is."""
    config, video = shlex.quote(str(started.config)), shlex.quote(str(started.example))
    checkpoint = shlex.quote(str(started.work_dir / f"epoch_{started.epochs}.pth"))
    return [
        f"mmstconv train {config}",
        f"mmstconv test {config} {checkpoint}",
        f"mmstconv report {config} {checkpoint}",
        f"mmstconv predict {config} {checkpoint} {video}",
    ]


def main():
    args = parse_args()
    # Not before: mim asks each script for its help first, and this takes seconds.
    print_any_name()
    begin("init")
    from mmstconv.apis.init import init_folder
    from mmstconv.engine.messages import short_errors

    with short_errors("init", "the same command goes on, what is checked is kept"):
        started = init_folder(
            args.folder,
            args.out,
            layout=args.layout,
            mend=args.mend,
            source=args.source,
            epochs=args.epochs,
            workers=args.workers,
        )
    print(f"\nwritten to {started.config.parent}; next:")
    for command in next_commands(started):
        print(f"  {command}")


if __name__ == "__main__":
    main()
