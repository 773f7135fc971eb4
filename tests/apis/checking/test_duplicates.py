"""duplicates: films that are coded again are found, others of one scene are not."""

from __future__ import annotations

import shutil
import sys
from itertools import product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # for helpers_media
from mmstconv.apis.check import FileCheck, check_files, duplicates
from mmstconv.apis.checking import duplicates as module
from mmstconv.apis.checking import near_hashes
from mmstconv.media import VideoCoding, write_media
from mmstconv.media.checking.picture_hash import alike_in_motion


def film(seed: int, scene: int = 0, count: int = 40) -> list[np.ndarray]:
    """A scene, which some films share, with a square that goes its own way in each."""
    random = np.random.default_rng(scene)
    coarse = random.integers(0, 255, (6, 8, 3)).astype(np.uint8)
    back = np.kron(coarse, np.ones((16, 16, 1), np.uint8))
    way = np.random.default_rng(1000 + seed)
    corners = way.integers(0, 64, (6, 2))
    frames = []
    for n in range(count):
        place = n * (len(corners) - 1) / count
        one, share = int(place), place % 1
        top, left = ((1 - share) * corners[one] + share * corners[one + 1]).astype(int)
        frame = back.copy()
        frame[top : top + 30, left : left + 40] = (255 * (n % 2), 40, 220)
        frames.append(frame)
    return frames


def smaller(frames: list[np.ndarray]) -> list[np.ndarray]:
    return [frame[::2, ::2] for frame in frames]


def test_films_coded_again_are_found(tmp_path):
    films = [film(seed, scene) for seed, scene in ((0, 0), (1, 0), (2, 2), (3, 3))]
    poor = VideoCoding(options={"crf": "38"})
    for n, frames in enumerate(films):
        write_media(tmp_path / f"{n}.mp4", frames, 20)
        write_media(tmp_path / f"{n}_again.mkv", smaller(frames), 20, video=poor)
    shutil.copy(tmp_path / "2.mp4", tmp_path / "2_copy.mov")
    checks = list(check_files(sorted(tmp_path.glob("[0-9]*")), workers=0))
    found = [
        ([path.name for path in group.paths], group.same_content)
        for group in duplicates(checks)
    ]
    assert found == [
        (["0.mp4", "0_again.mkv"], False),
        (["1.mp4", "1_again.mkv"], False),
        (["2.mp4", "2_copy.mov"], True),
        (["2.mp4", "2_again.mkv", "2_copy.mov"], False),
        (["3.mp4", "3_again.mkv"], False),
    ]


def test_all_are_compared_with_all(monkeypatch):
    """Pairs as a plain loop over them finds them, in whatever portions."""
    random = np.random.default_rng(0)
    checks = []
    for n in range(60):
        if n % 3 == 0:
            bits = random.integers(0, 2, 320)
            motion = random.integers(-40, 40, 320).astype(np.int8)
        bits = bits ^ (random.random(320) < 0.05)
        checks.append(
            FileCheck(
                Path(f"{n}.mp4"),
                rate=int(random.choice([5, 25])),
                duration=float(random.choice([4.0, 4.1, 4.4, 9.0])),
                digest=str(n),
                picture_hash=np.packbits(bits.astype(np.uint8)).tobytes().hex(),
                motion=motion.tobytes().hex(),
            )
        )
    expected = set()
    for n, one in enumerate(checks):
        for m, other in enumerate(checks[:n]):
            a, b = (bin(int(c.picture_hash, 16)) for c in (one, other))
            differ = bin(int(a, 2) ^ int(b, 2)).count("1")
            first = min(other, one, key=lambda check: check.duration)
            short, rate = first.duration, first.rate
            long = max(one.duration, other.duration)
            alike = alike_in_motion(
                module._rows([one.motion], np.int8)[0],
                module._rows([other.motion], np.int8),
            )[0]
            if differ <= 24 and alike and long <= 1.05 * short + 2.5 / rate:
                expected.add((m, n))
    assert len(expected) > 5
    for together, dearer in product((7, 256), (1e-9, 1e9)):  # by an index, and without
        monkeypatch.setattr(module, "TOGETHER", together)
        monkeypatch.setattr(near_hashes, "TOGETHER", together)
        monkeypatch.setattr(near_hashes, "PORTION", together)
        monkeypatch.setattr(near_hashes, "DEARER", dearer)
        found = list(module._pairs(checks))
        assert len(found) == len(set(found)), "a pair came twice"
        assert {tuple(sorted(pair)) for pair in found} == expected


def test_many_films_and_many_copies_take_little(monkeypatch):
    """Comparing each with each would take minutes for a hundred thousand files."""
    random = np.random.default_rng(0)
    compared = []
    monkeypatch.setattr(
        near_hashes, "_of_all", lambda *_: compared.append(1) or iter(())
    )
    films = [
        FileCheck(
            Path(f"{n}.mp4"),
            rate=25,
            duration=10.0,
            digest=str(n),
            picture_hash=random.bytes(40).hex(),
            motion=random.bytes(320).hex(),
        )
        for n in range(3000)
    ]
    copies = [films[0]._replace(path=Path(f"copy{n}.mp4")) for n in range(3000)]
    again = films[1]._replace(path=Path("again.mp4"), digest="again")
    (one, other) = duplicates([*films, *copies, again])
    assert len(one.paths) == 3001 and one.same_content
    assert other.paths == (Path("1.mp4"), Path("again.mp4")) and not other.same_content
    assert not compared


def test_nothing_to_compare():
    assert duplicates([]) == []
    broken = [FileCheck(Path(name), "cannot be read") for name in "ab"]
    assert duplicates(broken) == []
    empty = [FileCheck(Path(name), "is empty", digest="e3b0") for name in "ab"]
    assert duplicates(empty) == []
