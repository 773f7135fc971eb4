"""Generated clips with a sentence: what is written, and what nobody can know of it."""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np
import pytest
from conftest import ROOT, load_script

from mmstconv.datasets import CaptionDataset
from mmstconv.media import open_media

sys.path.insert(0, str(ROOT / "tools" / "data"))
import demo_sentences as said

maker = load_script("tools/data/make_caption_dataset.py")
SIZES = dict(training=3, validation=1, test=1, seen=2)
MODALITIES = ("rgb", "flow", "audio")
SUBSETS = ("none", *MODALITIES, "rgb+flow", "rgb+audio", "flow+audio", "rgb+flow+audio")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("captions") / "data"
    return folder, maker.make_dataset(folder, SIZES)


def test_the_data_set_reads_it(made):
    folder, clips = made
    for subset, some in clips.items():
        if subset == "seen":
            continue
        found = CaptionDataset(
            str(folder / f"{subset}.csv"),
            data_prefix=dict(video=str(folder / "videos")),
        )
        texts = [found.get_data_info(k)["gt_captions"] for k in range(len(found))]
        assert texts == [[clip.sentence] for clip in some]
        for k, clip in enumerate(some):
            with open_media(found.get_data_info(k)["filename"]) as media:
                assert media.has_audio is not clip.silent
                assert media.extent[1] == pytest.approx(clip.seconds, abs=0.2)
    words = (folder / "words.txt").read_text().split()
    assert {word for some in clips.values() for clip in some
            for word in clip.sentence.split()} <= set(words)  # fmt: skip
    maker.make_dataset(folder, SIZES, check=True)


def test_the_true_sentence_is_what_the_parts_show():
    """Order, direction and glide, read from when things happen."""
    for clip in said.draw_clips(np.random.default_rng(0), 300):
        parts = clip.parts()
        motions = [part for part in parts if part.motion != said.NONE]
        tones = [part for part in parts if part.glide != said.NONE]
        assert {part.motion for part in motions} == {clip.words["direction"]}
        assert {part.glide for part in tones} == {clip.words["glide"]}
        near = [
            (motion, tone)
            for motion in motions
            for tone in tones
            if abs(motion.start - tone.start) < said.LENGTH + 1e-6
        ]
        assert near  # a motion and the tone beside it
        for motion, tone in near:
            first = "before" if motion.start < tone.start else "after"
            assert first == clip.words["order"]
        assert ("tone" in clip.sentence) is not clip.silent


def test_siblings_are_the_same_to_one_who_lacks_what_differs():
    """Of what a modality perceives alike each unknown word is there as often."""
    clips = said.draw_siblings(np.random.default_rng(1), 3)
    assert len(clips) == 3 * maker.GROUP
    heard = [clip for clip in clips if not clip.silent]
    seen_as = dict(
        rgb=lambda one: (*words(one, "colour", "shape", "direction"), one.motion),
        flow=lambda one: (*words(one, "shape", "direction"), one.motion),
        audio=lambda one: (*words(one, "glide"), round(one.tone, 9)),
    )
    for name, seen in seen_as.items():
        groups = {}
        for clip in heard:
            groups.setdefault((clip.drawn, seen(clip)), []).append(clip)
        for group in groups.values():
            for slot, options in said.SLOTS.items():
                counts = Counter(clip.words[slot] for clip in group)
                if slot in said.known(name):
                    assert len(counts) == 1, (name, slot)
                else:
                    assert [counts[w] for w in options] == [len(group) / 2] * 2
            behind = {}  # what a word follows in the sentence says nothing more
            for clip in group:
                behind.setdefault(words(clip, *said.OF_PICTURES), []).append(clip)
            for same in behind.values() if name == "audio" else ():
                counts = Counter(clip.words["order"] for clip in same)
                assert set(counts.values()) == {len(same) / 2} and len(counts) == 2


def words(clip, *slots):
    return tuple(clip.words[slot] for slot in slots)


def test_siblings_look_and_sound_the_same():
    clips = [one for one in said.draw_siblings(np.random.default_rng(2), 1)]
    pictures, sounds = {}, {}
    for clip in clips[:8]:
        seeds = np.random.SeedSequence(7)
        _, frames, sound = maker.render_clip(clip, seeds)
        look = (*words(clip, "colour", "shape", "direction"), clip.motion)
        pictures.setdefault(look, []).append(frames)
        assert (sound is None) is clip.silent
        if sound is not None:
            heard = (*words(clip, "glide"), round(clip.tone, 9))
            sounds.setdefault(heard, []).append(sound)
    for group in (pictures, sounds):
        assert max(map(len, group.values())) > 1
        for same in group.values():
            assert all(np.array_equal(same[0], other) for other in same)
    assert len(sounds) == 4 and len(pictures) == 2


def test_a_clip_of_a_motion_shows_most_of_one():
    for clip in said.draw_motions(np.random.default_rng(6), 200):
        shown = [
            min(part.end, clip.seconds) - max(part.start, 0.0)
            for part in clip.parts()
            if part.motion != said.NONE and part.start < clip.seconds
        ]
        assert len(shown) == 1 and shown[0] >= 0.5 - 1e-9
        assert clip.seen == " ".join(words(clip, "colour", "shape", "direction"))


def test_when_a_motion_is_says_nothing_of_the_order():
    """Over many clips: the begin in the cycle, with either order, of both senses."""
    clips = said.draw_clips(np.random.default_rng(3), 8000)
    for when in (lambda one: one.motion, lambda one: one.tone):
        counts = {
            order: np.histogram(
                [when(one) for one in clips if one.words["order"] == order],
                8,
                (0, said.CYCLE),
            )[0]
            for order in said.SLOTS["order"]
        }
        share = counts["before"] / (counts["before"] + counts["after"])
        assert np.abs(share - 0.5).max() < 4 * 0.5 / np.sqrt(1000)


def test_bounds_are_reached_by_a_guess_and_by_no_more():
    """An answer that knows what can be known and guesses the rest, and its redraw."""
    wanted = dict(zip(SUBSETS, (1 / 32, 1 / 4, 1 / 8, 1 / 16, 1 / 4, 1, 1 / 2, 1)))
    assert {name: said.bound(name) for name in SUBSETS} == wanted
    rng = np.random.default_rng(4)
    truths = [clip.words for clip in said.draw_clips(rng, 4000)]
    for name in SUBSETS:
        known = said.known(name)
        answers = [
            {
                slot: truth[slot] if slot in known else str(rng.choice(options))
                for slot, options in said.SLOTS.items()
            }
            for truth in truths
        ]
        again = said.redrawn(truths, name, rng)
        for other in (truths, again):
            right = np.mean([a == dict(t) for a, t in zip(answers, other)])
            assert right == pytest.approx(wanted[name], abs=0.03), name
        for truth, new in zip(truths, again):
            assert all(truth[slot] == new[slot] for slot in known)
