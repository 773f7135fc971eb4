"""Writes the videos of annotation files into tars, for object stores and slow disks.

    python tools/data/write_shards.py data/videos_128 data/shards \
        --ann data/videos_128/train.txt data/videos_128/val.txt --shards 16

Of ``train.txt`` come ``train-000000.tar`` ... ``train-000015.tar`` in the webdataset
format and ``train.index.json``, the ``ann_file`` of ``ShardedVideoDataset``;
``classes.txt`` is copied if it lies beside. Files are stored as they are: prepare them
before (``prepare_videos``, which has ``--shards`` too). Interrupted, run it again: tars
that are whole stay. A file that cannot be read is named, and makes the exit code 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from prepared_lists import Annotation, read_annotations

from mmstconv.disk import local_path, print_any_name, write_own
from mmstconv.light_start import import_what_is_named


def write_lists(
    lists: Sequence[Annotation],
    root: Path,
    out: Path,
    count: int,
    say: Callable[[str], None] = print,
) -> int:
    """Writes the tars of some lists.

    Args:
        lists: What to write; the tars have their names.
        root: Folder of the videos.
        out: Folder to write to.
        count: Tars a list.
        say: Where messages go.

    Returns:
        How many files could not be read.
    """
    from tqdm import tqdm

    from mmstconv.datasets.shard_writing import write_shards

    failures = 0
    for one in lists:
        rows = [(name, [int(label) for label in labels]) for name, labels in one.rows]
        name = one.path.stem
        done = write_shards(rows, root, out, name, count)
        options = {} if sys.stderr.isatty() else dict(mininterval=10)
        samples = kept = 0
        for shard in tqdm(done, name, total=count, unit="shard", **options):
            samples, kept = samples + shard.samples, kept + shard.kept
            failures += len(shard.failed)
            for path, reason in shard.failed.items():
                say(f"{root / path}: {reason}")
        say(f"{out / name}.index.json: {samples} samples in {count} tars, {kept} kept")
        classes = one.path.with_name("classes.txt")
        if classes.is_file() and classes.parent.resolve() != out.resolve():
            write_own(out / classes.name, classes.read_text())
    return failures


def main(arguments: list[str] | None = None) -> None:
    print_any_name()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=local_path, help="folder of the videos")
    parser.add_argument("out", type=local_path, help="folder to write to")
    parser.add_argument(
        "--ann", type=local_path, nargs="+", required=True, help="lists, path label"
    )
    parser.add_argument("--shards", type=int, required=True, help="tars a list")
    parser.add_argument(
        "--multi-class", action="store_true", help="a line may have several labels"
    )
    args = parser.parse_args(arguments)
    import_what_is_named()
    try:
        lists = read_annotations(args.ann, args.videos, args.multi_class)
        failed = write_lists(lists, args.videos, args.out, args.shards)
    except (ValueError, OSError) as error:
        sys.exit(f"write_shards: {error}")
    except KeyboardInterrupt:
        print("\nwrite_shards: interrupted, run again to go on", file=sys.stderr)
        sys.exit(130)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
