"""Reading shards: an epoch of bytes in another order, beside webdataset and litdata.

    pip install webdataset litdata
    python tools/benchmarks/shards.py --videos data/videos

All files of the folder are written once into tars (ours, which webdataset reads, too)
and once into litdata's chunks, on the local disk. A round reads every file once,
shuffled as each library does it, in one process, and decodes nothing; files are in the
cache of the system. Ratios are processor time by ours. No row of docs/performance.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))
from measuring import alternate

from mmstconv.datasets import ShardedVideoDataset
from mmstconv.datasets.shard_writing import write_shards
from mmstconv.media.video_files import videos_below

SHUFFLED = 1000  # samples that webdataset's buffer holds


def ours(folder: Path):
    dataset = ShardedVideoDataset(ann_file=str(folder / "all.index.json"), pipeline=[])
    import torch

    def epoch():
        read = 0
        for index in torch.randperm(len(dataset)).tolist():
            path, offset, size = dataset.get_data_info(index)["part"]
            with open(path, "rb") as file:
                file.seek(offset)
                read += len(file.read(size))
        return read

    return epoch


def by_webdataset(folder: Path):
    import webdataset

    tars = sorted(map(str, folder.glob("all-*.tar")))

    def epoch():
        stream = webdataset.WebDataset(tars, shardshuffle=len(tars)).shuffle(SHUFFLED)
        return sum(len(sample["mp4"]) for sample in stream)

    return epoch


def by_litdata(folder: Path, files: list[Path]):
    import litdata
    from litdata.streaming.writer import BinaryWriter

    writer = BinaryWriter(str(folder), chunk_bytes=64 << 20)
    for number, path in enumerate(files):
        writer[number] = path.read_bytes()
    writer.done()
    writer.merge()

    def epoch():
        return sum(map(len, litdata.StreamingDataset(str(folder), shuffle=True)))

    return epoch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=Path, required=True, help="folder of .mp4")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    files = [path for path in videos_below(args.videos) if path.suffix == ".mp4"]
    with tempfile.TemporaryDirectory() as place:
        tars, chunks = Path(place, "tars"), Path(place, "chunks")
        for folder in (tars, chunks):
            folder.mkdir()
        rows = [(str(path.relative_to(args.videos)), [0]) for path in files]
        for _ in write_shards(rows, args.videos, tars, "all", 8):
            pass
        sides = dict(
            ours=ours(tars),
            webdataset=by_webdataset(tars),
            litdata=by_litdata(chunks, files),
        )
        size = {name: epoch() for name, epoch in sides.items()}
        if len(set(size.values())) != 1:
            sys.exit(f"not all read the same: {size}")
        spent = alternate(sides, args.rounds, clock=time.process_time)
    first = median(spent["ours"])
    print(f"{len(files)} files, {size['ours'] / 1e6:.0f} MB")
    for name, seconds in spent.items():
        rate = len(files) / median(seconds)
        print(
            f"{name:12} {median(seconds) / first:5.2f}  {rate:8.0f} files a CPU second"
        )


if __name__ == "__main__":
    main()
