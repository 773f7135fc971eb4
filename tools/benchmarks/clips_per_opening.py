"""Row 7: several clips from one opening of a file (repeated augmentation).

    python tools/benchmarks/clips_per_opening.py

Both sides are ours: ``SampleClips(num_clips=4)`` by ``num_clips=1``, per clip. What is
shared is the opening and the frames that several clips need to be decoded from.
"""

from __future__ import annotations

from bench_clips import WEB, files
from measuring import Result, one_core, report, result
from pipelines import build, side_by_side, trimodal

CLIPS = 4
GOAL = 0.5
ROUNDS = 11


def main() -> list[Result]:
    one_core()
    ours_all, peer_all, results = [], [], []
    for clip, path in zip(WEB, files(WEB)):
        rate = dict(fps=clip.fps / 2)
        ours, peer = (
            build(trimodal(SampleClips=dict(rate, num_clips=count)))
            for count in (CLIPS, 1)
        )
        four, one = side_by_side(ours, peer, path, ROUNDS)
        four = [seconds / CLIPS for seconds in four]
        what = f"{clip.name}, {clip.width} x {clip.height}"
        results.append(result("7", what, four, one, None, scale=1000, unit="ms a clip"))
        ours_all.append(four)
        peer_all.append(one)
    # where a single clip lies is random, and what it costs with it: sums over rounds
    ours = [sum(turn) for turn in zip(*ours_all)]
    peer = [sum(sum(turn) for turn in peer_all) / ROUNDS] * ROUNDS
    kwargs = dict(scale=1000 / len(WEB), unit="ms a clip")
    name = f"{CLIPS} clips an opening, all files, by the mean of single ones"
    return [result("7", name, ours, peer, GOAL, **kwargs), *results]


if __name__ == "__main__":
    report(main())
