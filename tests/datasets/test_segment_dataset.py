"""Parts of films: right pictures, right sound, and nothing from beyond."""

from __future__ import annotations

import numpy as np
import pytest
from helpers_media import chirp_sound, numbers, write_coded
from mmaction.registry import TRANSFORMS
from mmengine.dataset import Compose

from mmstconv.datasets import AnnotationError, MultiModalSegmentDataset
from mmstconv.media import open_media

RATE, FPS, COUNT = 16000, 25, 100
SEGMENTS = {"0.4 1.6": 0, "2.0 3.2": 1}


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "a film.mkv"
    sound = chirp_sound(4, 0.9, RATE) + chirp_sound(4, 1.7, RATE)
    sound = sound + chirp_sound(4, 2.5, RATE)
    flac = dict(waveform=sound, sample_rate=RATE, audio_codec="flac")
    return write_coded(path, COUNT, FPS, **flac)


def listed(folder, *lines):
    path = folder / "train.txt"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def dataset(film, tmp_path, *lines, pipeline=(), **kwargs):
    lines = lines or [f"{film.name} {t} {label}" for t, label in SEGMENTS.items()]
    return MultiModalSegmentDataset(
        listed(tmp_path, *lines),
        pipeline=list(pipeline),
        data_prefix=dict(video=str(film.parent)),
        **kwargs,
    )


def loaded(film, segment, *, context=0.5, clip_len=10, **kwargs):
    steps = [
        dict(type="OpenMedia"),
        dict(type="SampleClips", clip_len=clip_len, fps=FPS, num_clips=2, **kwargs),
        dict(type="LoadFrames"),
        dict(type="LoadWaveform", sample_rate=RATE, context=context),
    ]
    pipeline = Compose([TRANSFORMS.build(step) for step in steps])
    return pipeline(dict(filename=str(film), segment=segment))


def test_clips_and_sound_are_those_of_a_full_decode(film):
    with open_media(str(film)) as media:
        whole = media.waveform(0, COUNT / FPS, RATE)
        frames = numbers(media.frames_at(np.arange(COUNT) / FPS))
    assert frames == list(range(COUNT))
    np.random.seed(0)
    for start, end in ((0.4, 1.6), (2.0, 3.2)):
        for kwargs in (dict(), dict(test_mode=True), dict(clip_len=40)):
            results = loaded(film, (start, end), **kwargs)
            shown = numbers(results["imgs"])
            expected = np.floor(results["frame_times"].ravel() * FPS + 1e-6)
            assert shown == expected.astype(int).tolist()
            assert start * FPS <= min(shown) <= max(shown) < end * FPS
            for begin, sound in zip(results["clip_starts"], results["waveform"]):
                length = len(sound) / RATE
                first = begin + results["clip_duration"] / 2 - length / 2
                at = round(first * RATE) + np.arange(len(sound))
                inside = (at >= start * RATE) & (at < end * RATE)
                alone = np.where(inside, whole[np.clip(at, 0, len(whole) - 1)], 0)
                np.testing.assert_allclose(sound, alone, atol=2e-3)
                assert np.abs(sound[inside]).max() > 0.2


def test_sound_without_a_segment_goes_beyond_the_clip(film):
    with open_media(str(film)) as media:
        whole = media.waveform(0, COUNT / FPS, RATE)
    sound = loaded(film, None, context=2.0, test_mode=True)["waveform"][0]
    assert np.abs(sound).max() == pytest.approx(np.abs(whole).max(), rel=0.05)


def test_samples_have_label_and_segment(film, tmp_path):
    data = dataset(film, tmp_path)
    infos = [data.get_data_info(k) for k in range(len(data))]
    assert [info["label"] for info in infos] == [0, 1]
    assert [info["segment"] for info in infos] == [(0.4, 1.6), (2.0, 3.2)]
    assert {info["filename"] for info in infos} == {str(film)}


def test_several_labels_or_none(film, tmp_path):
    name = film.name
    lines = [f"{name} 0 1 3 5", f"{name} 1 2.5", f"\t{name}\t2 3 \t0\r"]
    data = dataset(film, tmp_path, *lines, multi_class=True, num_classes=6)
    infos = [data.get_data_info(k) for k in range(len(data))]
    labels = [np.flatnonzero(info["label"]).tolist() for info in infos]
    segments = [info["segment"] for info in infos]
    assert segments == [(0, 1), (1, 2.5), (2, 3)]
    assert labels == [[3, 5], [], [0]]


def test_lines_that_cannot_be_used_are_all_named(film, tmp_path):
    name = film.name
    lines = [
        f"{name} 1 0",
        f"{name} 0.5",
        f"{name} 0 1 2",
        f"{name} 0 1 1",
        f"{name} 0 1 1 1",
        f"{name} 0 1.2.3 1",
        "gone.mp4 0 1 1",
    ]
    with pytest.raises(AnnotationError) as caught:
        dataset(film, tmp_path, *lines, num_classes=2)
    says = str(caught.value)
    for number, reason in {
        1: "ends before it begins",
        2: "expected 'path start end label'",
        3: "label 2 is outside",
        4: "has another label in line 3",
        5: "has 2 labels",
        6: "are not times",
        7: "does not exist",
    }.items():
        assert any(
            f"train.txt:{number}: " in line and reason in line
            for line in says.splitlines()
        ), (number, reason, says)


def test_a_delimiter_is_refused(film, tmp_path):
    with pytest.raises(ValueError, match="divided by white space"):
        dataset(film, tmp_path, delimiter=",")


def test_features_of_sound_stay_in_the_segment(film, tmp_path):
    np.save(tmp_path / f"{film.stem}.npy", np.arange(40, dtype=np.float32)[:, None])
    steps = [
        dict(type="OpenMedia"),
        dict(type="SampleClips", clip_len=10, fps=FPS, test_mode=True),
        dict(
            type="LoadClipAudioFeature",
            path=str(tmp_path / "{stem}.npy"),
            rate=10,
            context=3.0,
            absent_bands=1,
        ),
    ]
    pipeline = Compose([TRANSFORMS.build(step) for step in steps])
    rows = pipeline(dict(filename=str(film), segment=(2.0, 3.2)))["audio"].ravel()
    assert set(rows) == set(range(20, 32))
    assert rows[0] == 20 and rows[-1] == 31
