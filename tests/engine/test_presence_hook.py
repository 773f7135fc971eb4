"""Before training: what the files lack, compared with their classes."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import ConcatDataset, RepeatDataset
from mmengine.registry import init_default_scope

from mmstconv.datasets.probing import probe_presence
from mmstconv.engine.hooks import PresenceHook
from mmstconv.media import write_media

CONFIGS = ROOT / "configs/recognition/demo"
ALL = "stconvnet_lstm_demo-rgb-flow-audio.py"
RATE = 16000


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """A file with sound, one without, one of sound alone and one that is none."""
    folder = tmp_path_factory.mktemp("clips")
    frames = [np.full((64, 64, 3), 8 * place, np.uint8) for place in range(10)]
    sound = np.sin(np.arange(RATE) / 9).astype(np.float32)
    write_media(folder / "both.mp4", frames, 10, sound, RATE)
    write_media(folder / "silent.mp4", frames, 10)
    write_media(folder / "sound.mp4", waveform=sound, sample_rate=RATE)
    (folder / "bad.mp4").write_bytes(b"no film\n" * 100)
    return folder


def data_set(clips, folder, rows, **options):
    """``rows`` of (kind of file, label); each file has a name of its own."""
    lines = []
    for place, (kind, label) in enumerate(rows):
        name = f"{place}_{kind}.mp4"
        (folder / name).write_bytes((clips / f"{kind}.mp4").read_bytes())
        lines.append(f"{name} {label}\n")
    (folder / "list.txt").write_text("".join(lines))
    init_default_scope("mmaction")
    cfg = Config.fromfile(CONFIGS / ALL).train_dataloader.dataset
    cfg.update(ann_file=str(folder / "list.txt"), metainfo=None, **options)
    return DATASETS.build(dict(cfg, data_prefix=dict(video=str(folder))))


def say(
    dataset,
    streams=("rgb", "flow", "audio"),
    iteration=0,
    without=(),
    joint_loss=1.0,
    **options,
):
    """What the hook logs of a training with this data: (level, text) each."""
    records = []
    logger = logging.Logger("presence")
    logger.addHandler(logging.Handler())
    logger.handle = lambda one: records.append((one.levelno, one.getMessage()))
    model = SimpleNamespace(streams=dict.fromkeys(streams))
    if without is not None:
        model.cls_head = SimpleNamespace(train_without=without, loss_weight=joint_loss)
    loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset))
    runner = SimpleNamespace(
        model=model, train_loop=loop, iter=iteration, logger=logger
    )
    PresenceHook(**options).before_train(runner)
    return records


@pytest.fixture
def telling(clips, tmp_path):
    """Ten files of each of four classes; one class has sound."""
    rows = [("both" if label == 0 else "silent", label) for label in range(4)] * 10
    return data_set(clips, tmp_path, rows)


def test_a_telling_presence_is_a_warning_with_the_remedy(telling):
    ((level, text),) = say(telling)
    assert level == logging.WARNING
    assert "of 40 training files audio is in 25.0%" in text
    assert "right in 50.0%, knowing nothing in 25.0% (0.81 bits" in text
    assert "Remedy: model=dict(cls_head=dict(train_without=['audio']))" in text
    assert "\n" not in text


def test_the_remedy_exists_and_ends_the_warning(telling):
    ((level, text),) = say(telling, without=("audio",))
    assert level == logging.INFO and "0.81 bits" in text
    ((level, text),) = say(telling, without=("flow",))
    assert level == logging.WARNING and "train_without=['flow', 'audio']" in text


def test_streams_that_learn_apart_learn_nothing_from_absence(telling):
    ((level, text),) = say(telling, joint_loss=0.0)
    assert level == logging.INFO and "0.81 bits" in text and "apart" in text


def test_a_model_of_another_kind_is_told_without_a_remedy_it_lacks(telling):
    ((level, text),) = say(telling, without=None)
    assert level == logging.WARNING and "Remedy" not in text


def test_what_tells_nothing_is_no_warning(clips, tmp_path, telling):
    rows = [("both", 0), ("silent", 0), ("both", 1), ("silent", 1)] * 5
    ((level, text),) = say(data_set(clips, tmp_path, rows))
    assert level == logging.INFO and "no more than chance" in text
    # the model has no stream that lacks anything; all files have everything
    assert say(telling, streams=("rgb", "flow")) == []
    assert say(data_set(clips, tmp_path, [("both", 0), ("both", 1)] * 5)) == []


def test_any_modality_may_be_the_telling_one(clips, tmp_path):
    rows = [("both", 0), ("silent", 1), ("sound", 2)] * 8
    ((_, text),) = say(data_set(clips, tmp_path, rows))
    assert "right in 100.0%, knowing nothing in 33.3% (1.58 bits" in text
    assert "train_without=['rgb', 'flow', 'audio']" in text


def test_bad_files_say_nothing_and_end_nothing(clips, tmp_path):
    rows = [("both", 0), ("silent", 1), ("bad", 1), ("bad", 0)] * 8
    dataset = data_set(clips, tmp_path, rows)
    (tmp_path / "0_both.mp4").unlink()
    ((_, text),) = say(dataset)
    assert "of 15 training files" in text and "right in 100.0%" in text
    assert say(data_set(clips, tmp_path, [("bad", 0), ("bad", 1)])) == []


def test_few_files_of_a_large_set_are_opened(telling, monkeypatch):
    """At random, and the same ones each time; the generators stay as they are."""
    state = np.random.get_state()[1].copy()
    ((_, text),) = say(telling, max_files=24)
    assert "of 24 training files" in text
    assert say(telling, max_files=24) == [(logging.WARNING, text)]
    assert (np.random.get_state()[1] == state).all()
    ((_, text),) = say(telling, max_seconds=-1.0)
    assert "of 1 training files" in text
    monkeypatch.setattr("mmstconv.engine.hooks.presence_hook.PROGRESS_EVERY", -1.0)
    assert (logging.INFO, "presence: 40 of 40 files opened") in say(telling)


def test_data_sets_in_data_sets(telling, clips, tmp_path):
    (tmp_path / "more").mkdir()
    more = data_set(clips, tmp_path / "more", [("sound", 4)] * 10)
    assert say(RepeatDataset(telling, 2)) == say(telling)
    ((_, text),) = say(ConcatDataset([telling, more]))
    assert "of 50 training files rgb is in 80.0%" in text
    assert "audio is in 40.0%" in text


def test_what_is_not_looked_at(telling, clips, tmp_path):
    assert say(telling, iteration=7) == []  # said when it began
    rows = [("both", "0 1"), ("silent", "2 3")] * 10
    several = data_set(clips, tmp_path, rows, multi_class=True, num_classes=8)
    assert say(several) == []
    assert say([1, 2, 3]) == []  # any other kind of data set


def test_extracted_features_count_as_present_where_their_files_are(clips, tmp_path):
    pipeline = [
        dict(type="OpenMedia"),
        dict(type="SampleClips", clip_len=8, fps=8),
        dict(type="LoadFlowImages", directory=f"{tmp_path}/flow/{{stem}}"),
        dict(type="LoadClipAudioFeature", path=f"{tmp_path}/{{stem}}.npy", rate=10),
    ]
    np.save(tmp_path / "1_silent.npy", np.zeros((5, 64)))
    (tmp_path / "flow/0_silent").mkdir(parents=True)
    (tmp_path / "flow/0_silent/flow_x_00001.jpg").touch()
    dataset = data_set(clips, tmp_path, [("silent", 0)] * 2, pipeline=pipeline)
    assert [probe_presence(dataset, dataset.get_data_info(i)) for i in range(2)] == [
        dict(flow=True, audio=False),
        dict(flow=False, audio=True),
    ]


def test_it_says_what_the_pipeline_would_find(clips, tmp_path):
    rows = [("both", 0), ("silent", 0), ("sound", 0)]
    dataset = data_set(clips, tmp_path, rows)
    for index in range(3):
        found = probe_presence(dataset, dataset.get_data_info(index))
        assert found == dataset[index]["data_samples"].presence


def test_every_training_has_it():
    cfg = Config.fromfile(ROOT / "configs/_base_/default_runtime.py")
    assert cfg.default_hooks.presence.type == "PresenceHook"
