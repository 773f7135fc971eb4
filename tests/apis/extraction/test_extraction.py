"""What is extracted is what pipelines compute on the way, and is read back as such."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.registry import init_default_scope

sys.path.insert(0, str(Path(__file__).parents[2]))  # for the helpers
from helpers_extracted import move_pipeline
from helpers_media import chirp_sound, numbers, write_coded

from mmstconv.apis.checking.lists import read_list
from mmstconv.apis.extraction.form import ExtractedForm
from mmstconv.apis.extraction.one import extract_one
from mmstconv.apis.extraction.places import ExtractionJournal, places_of
from mmstconv.apis.extraction.run import extract, write_lists
from mmstconv.apis.extraction.sound import HOP, RATE, log_mel, scaled
from mmstconv.datasets import MultiModalRawframeDataset
from mmstconv.disk import ForeignFile, unfinished_path
from mmstconv.media import write_media

CONFIG = (
    ROOT / "configs/recognition/extracted"
    "/stlite_lstm_1xb32-16f-50e_ucf101-split1-extracted-rgb-flow-audio.py"
)
STEPS = {"OpenRawFrames", "SampleClips", "LoadFrames", "LoadFlowImages"}
STEPS |= {"SplitFlowImages", "LoadClipAudioFeature"}
JPEG = 6  # gray levels by which a compressed image may differ here


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope("mmaction")


def moving(count: int) -> list[np.ndarray]:
    """A smooth pattern that goes to the right and, later, down."""
    y, x = np.mgrid[:160, :192]
    frames = []
    for n in range(count):
        right, down = 2.0 * n, 1.0 * max(n - count // 2, 0)
        waves = np.sin((x - right) / 9) * np.cos((y - down) / 11)
        colour = np.stack([waves, np.roll(waves, 5, 0), -waves], -1)
        frames.append((127 + 100 * colour).astype(np.uint8))
    return frames


def extracted(root: Path, out: Path, *names: str, form=None):
    """Extracts from videos; their outcomes by name."""
    form = form or ExtractedForm()
    places = places_of(names, root, out)
    out.mkdir(exist_ok=True)
    journal = ExtractionJournal(out / "extracted.jsonl", form.as_text())
    done = extract(list(places.values()), out, form, journal, workers=0)
    return {one.place.name: one.outcome for one in done}


def test_read_by_the_config_as_computed_on_the_way(tmp_path):
    """Frames, flow and sound, in step, of the config for extracted files."""
    videos = tmp_path / "videos" / "clips"
    videos.mkdir(parents=True)
    sound = dict(waveform=chirp_sound(2, 0.7, 16000), sample_rate=16000)
    write_media(videos / "a.mkv", moving(50), 25, **sound)
    outcome = extracted(tmp_path / "videos", tmp_path / "out", "clips/a.mkv")["clips/a"]
    assert (outcome.frames, outcome.has_sound, outcome.reason) == (50, True, "")
    (tmp_path / "list.txt").write_text("clips/a 50 0\n")

    cfg = Config.fromfile(CONFIG).val_dataloader.dataset
    steps = [step for step in cfg.pipeline if step.type in STEPS]
    assert {step.type for step in steps} == STEPS
    move_pipeline(steps, tmp_path / "out")
    clip = next(step for step in steps if step.type == "SampleClips")
    clip.fps = 25  # each image its own step of flow, as on the way
    dataset = MultiModalRawframeDataset(
        ann_file=str(tmp_path / "list.txt"),
        pipeline=steps,
        data_prefix=dict(img=str(tmp_path / "out" / "rawframes")),
        num_classes=1,
        test_mode=True,
    )
    read = dataset[0]
    here = Compose(
        [
            dict(type="OpenMedia"),
            clip,
            dict(type="LoadFrames", short_side=128),
            dict(type="LoadWaveform", sample_rate=RATE),
            dict(type="ComputeFlow", method="dis_fast", bound=20),
        ]
    )(dict(filename=str(videos / "a.mkv")))
    assert read["clip_starts"] == pytest.approx(here["clip_starts"])
    assert all(read["presence"][name] for name in ("rgb", "flow", "audio"))
    frames = np.abs(np.stack(read["imgs"]).astype(int) - np.stack(here["imgs"]))
    assert frames.mean() < 2
    level = 2 * 20 / 255
    assert here["flow"][:, 0].mean() > 1, "the pattern moves to the right"
    assert np.abs(read["flow"] - here["flow"]).max() <= JPEG * level
    assert np.abs(read["flow"] - here["flow"]).mean() < level
    # rows whose windows lie in the clip: on the way there is silence beyond it
    samples = here["waveform"]
    bands = log_mel().transform(dict(waveform=samples, sample_rate=RATE))["audio"]
    inside = scaled(bands[0].T)  # its first row is half a window after the beginning
    first = round(log_mel().n_fft / 2 / HOP)
    rows = read["audio"][0].T[first:][: len(inside)]
    begin = here["clip_starts"][0] * RATE / HOP
    assert begin == pytest.approx(round(begin)), "rows lie on the clip's grid"
    assert np.abs(rows - inside[: len(rows)]).max() < 1e-3 and rows.std() > 0.1


def test_images_and_rows_are_on_the_clock_of_the_pictures(tmp_path):
    """A video of another rate that begins late, with sound that begins later."""
    times = 0.4 + np.arange(30) / 12.5
    sound = chirp_sound(2, 0.5, RATE)
    write_coded(
        tmp_path / "a.mkv",
        30,
        None,
        frame_times=times,
        waveform=sound,
        sample_rate=RATE,
        audio_offset=0.6,
        audio_codec="flac",
    )
    out = tmp_path / "out"
    form = ExtractedForm(kinds=("frames", "audio"))
    count = extracted(tmp_path, out, "a.mkv", form=form)["a"].frames
    assert count in (59, 60)  # Matroska does not say how long the last frame is shown
    from mmstconv.media import ImageFolderReader

    with ImageFolderReader(out / "rawframes" / "a", 25) as images:
        shown = numbers(images.frames_at(np.arange(count) / 25))
    assert shown == [n // 2 for n in range(count)]
    rows = np.load(out / "audio_features" / "rawframes" / "a.npy")
    assert rows.shape == (2 * count, 80) and rows.dtype == np.float32
    loud = np.flatnonzero(rows.max(1) > 0.5) / 50  # the chirp: 0.7 s after the pictures
    assert abs(loud[0] - 0.7) < 0.1 and abs(loud[-1] - 1.1) < 0.1


def test_rows_do_not_depend_on_the_blocks(tmp_path, monkeypatch):
    from mmstconv.apis.extraction import sound
    from mmstconv.media import SoundCoding, open_media

    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 3 * RATE).astype(np.float32)
    pcm = SoundCoding(codec="pcm_s16le")
    path = write_media(tmp_path / "a.wav", waveform=noise, sample_rate=RATE, sound=pcm)
    with open_media(path) as media:
        whole = sound.audio_feature(media)
        monkeypatch.setattr(sound, "BLOCK", 7)
        assert np.abs(sound.audio_feature(media) - whole).max() < 1e-4
    assert whole.shape == (150, 80) and 0 <= whole.min() < whole.max() <= 1


def test_a_second_run_makes_what_is_missing_or_has_changed(tmp_path):
    names = ("a.mp4", "b.mp4", "c.mp4")
    for name in names:
        write_coded(tmp_path / name, 12)
    (tmp_path / "c.mp4").write_text("no film")
    out = tmp_path / "out"
    first = extracted(tmp_path, out, *names)
    assert {name: bool(one.reason) for name, one in first.items()} == {
        "a": False,
        "b": False,
        "c": True,
    }
    assert not (out / "rawframes" / "c").exists()
    assert set(extracted(tmp_path, out, *names)) == {"c"}
    shutil.rmtree(out / "rawframes" / "a")
    write_coded(tmp_path / "b.mp4", 20)
    again = extracted(tmp_path, out, *names)
    assert again["a"].frames == 12 and again["b"].frames == 20
    assert len(list((out / "rawframes" / "b").glob("img_*"))) == 20
    slower = ExtractedForm(fps=12.5, kinds=("frames",))
    assert extracted(tmp_path, out, "b.mp4", form=slower)["b"].frames == 10
    assert len(list((out / "rawframes" / "b").iterdir())) == 10


def test_nothing_of_the_user_is_replaced(tmp_path):
    write_coded(tmp_path / "a.mp4", 12)
    sound = dict(waveform=chirp_sound(1, 0.2, RATE), sample_rate=RATE)
    write_coded(tmp_path / "b.mp4", 12, **sound)
    out = tmp_path / "out"
    mine = out / "rawframes" / "a" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(ForeignFile, match="nothing was written"):
        extracted(tmp_path, out, "a.mp4", "b.mp4")
    assert mine.read_text() == "mine" and not (out / "rawframes" / "b").exists()
    mine.unlink()
    mine.parent.rmdir()
    extracted(tmp_path, out, "a.mp4", "b.mp4")
    feature = out / "audio_features" / "rawframes" / "b.npy"
    np.save(feature, np.ones((3, 80)))
    (out / "rawframes" / "a" / "img_00003.jpg").write_text("changed")
    coarser = ExtractedForm(short_side=64)
    with pytest.raises(ForeignFile) as error:
        extracted(tmp_path, out, "a.mp4", "b.mp4", form=coarser)
    assert str(feature) in str(error.value)
    assert str(mine.parent) in str(error.value)
    assert np.load(feature).shape == (3, 80)


def test_what_a_killed_run_left_goes(tmp_path):
    write_coded(tmp_path / "a.mp4", 12)
    out = tmp_path / "out"
    left = unfinished_path(out / "rawframes" / "a", 2**22 - 1)  # no process has it
    left.mkdir(parents=True)
    (left / "img_00001.jpg").touch()
    extracted(tmp_path, out, "a.mp4")
    assert os.listdir(out / "rawframes") == ["a"]
    # killed after the folder had its name and before the journal had its line
    (out / "extracted.jsonl").unlink()
    assert extracted(tmp_path, out, "a.mp4")["a"].frames == 12


def test_names(tmp_path):
    """Of one stem, beside a folder of the name, with letters that patterns use."""
    names = ("x/a.avi", "x/a.mp4", "x/b.mp4", "x/b/c.mp4", "x/{d} e.MP4")
    out = tmp_path / "{out}"
    places = places_of(names, tmp_path, out)
    assert [one.name for one in places.values()] == [
        "x/a.avi",
        "x/a.mp4",
        "x/b.mp4",
        "x/b/c",
        "x/{d} e",
    ]
    assert places["x/{d} e.MP4"].feature == out / "audio_features" / "x" / "{d} e.npy"
    with pytest.raises(ValueError, match=r"would both have .*x/a\.npy"):
        places_of(("1/x/a.mp4", "2/x/a.mp4"), tmp_path, out)


def test_lists(tmp_path):
    write_coded(tmp_path / "a b.mp4", 12)
    write_media(tmp_path / "s.wav", waveform=chirp_sound(1, 0, RATE), sample_rate=RATE)
    (tmp_path / "gone.mp4").write_text("")
    (tmp_path / "train.txt").write_text("a b.mp4 3\ngone.mp4 1\ns.wav 2\n")
    one = read_list(tmp_path / "train.txt")
    out, form = tmp_path / "out", ExtractedForm()
    out.mkdir()
    places = places_of([file.name for file in one.files], tmp_path, out)
    journal = ExtractionJournal(out / "extracted.jsonl", form.as_text())
    list(extract(list(places.values()), out, form, journal, workers=0))
    by_path = {place.source: place for place in places.values()}
    assert write_lists([one], by_path, journal, out) == [out / "train.txt"]
    assert (out / "train.txt").read_text() == "a b 12 3\n"


def test_forms_that_cannot_be():
    for wrong, message in (
        (dict(kinds=()), "kinds must be of"),
        (dict(kinds=("sound",)), "kinds must be of"),
        (dict(method="tvl2"), "method must be of"),
        (dict(fps=0), "fps must be positive"),
    ):
        with pytest.raises(ValueError, match=message):
            ExtractedForm(**wrong)


def test_a_full_disk_ends_the_run(tmp_path, monkeypatch):
    from mmstconv.apis.extraction import one

    def full(*_):
        raise OSError(28, "No space left on device")

    write_coded(tmp_path / "a.mp4", 12)
    monkeypatch.setattr(one, "write_images", full)
    place = places_of(["a.mp4"], tmp_path, tmp_path / "out")["a.mp4"]
    outcome = extract_one(place, tmp_path / "out", ExtractedForm(), None)
    assert outcome.ends_run and "No space left" in outcome.reason
    assert not (tmp_path / "out" / "rawframes" / "a").exists()
