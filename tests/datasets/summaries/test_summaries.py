"""TVSum's and SumMe's layout, our own, splits, and what a sample brings."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
from mmaction.registry import MODELS, TRANSFORMS
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from mmstconv.datasets import AnnotationError, SummaryDataset
from mmstconv.datasets.film_steps import FilmSteps
from mmstconv.datasets.summaries.hdf5_layout import RatedVideo, read_hdf5, write_hdf5
from mmstconv.datasets.summaries.json_layout import read_json, read_split


def video(frames=300, every=15, users=4, seed=0, **changes):
    rng = np.random.default_rng(seed)
    picks = np.arange(0, frames, every)
    edges = np.array([0, 80, 150, 240, frames])
    made = RatedVideo(
        rng.random(len(picks)).astype(np.float32),
        rng.random((users, frames)) > 0.85,
        np.stack([edges[:-1], edges[1:] - 1], axis=1),
        frames,
        picks,
        rng.random((len(picks), 8)).astype(np.float32),
        "Air_Force_One",
    )
    return made._replace(**changes)


def same(one, other):
    for left, right in zip(one, other):
        np.testing.assert_array_equal(left, right)


def test_what_is_written_is_read(tmp_path):
    videos = {"video_1": video(), "video_2": video(seed=1, features=None, name=None)}
    write_hdf5(tmp_path / "a.h5", videos)
    found = read_hdf5(tmp_path / "a.h5")
    assert list(found) == list(videos)
    for key in videos:
        same(found[key], videos[key])
    with h5py.File(tmp_path / "a.h5") as file:  # the field's other keys
        group = file["video_1"]
        assert group["n_steps"][()] == 20
        assert group["n_frame_per_seg"][:].tolist() == [80, 70, 90, 60]
        assert group["gtsummary"].shape == (20,)


def test_all_mistakes_at_once(tmp_path):
    path = tmp_path / "a.h5"
    write_hdf5(path, {"good": video(), "gaps": video(), "short": video()})
    with h5py.File(path, "a") as file:
        exclusive = file["gaps/change_points"][()]
        exclusive[:, 1] += 1  # as many people read them
        file["gaps/change_points"][...] = exclusive
        del file["short/picks"]
        file["short/picks"] = np.arange(0, 285, 15)
        file["short/n_frames"][...] = 299
        group = file.create_group("empty")
        group["picks"] = np.arange(3)
    with pytest.raises(AnnotationError) as caught:
        read_hdf5(path)
    text = str(caught.value)
    for part in (
        "gaps: change_points: shot 0 ends with frame 80 and shot 1 begins with 80",
        "expected 81",
        "change_points reach from 0 to 300, expected from 0 to at most 299",
        "short: gtscore has the shape (20,), picks has 19",
        "short: user_summary has the shape (4, 300), expected (users, 299)",
        "empty: has no gtscore, user_summary, change_points, n_frames",
    ):
        assert part in text, part
    assert "good" not in text
    with pytest.raises(AnnotationError, match="there is no such group"):
        read_hdf5(path, ["video_9"])
    (tmp_path / "b.h5").write_text("thesis")
    with pytest.raises(AnnotationError, match="no HDF5 file"):
        read_hdf5(tmp_path / "b.h5")
    with pytest.raises(AnnotationError, match="bad: picks do not rise"):
        write_hdf5(tmp_path / "c.h5", {"bad": video(picks=np.zeros(20, int))})
    assert not (tmp_path / "c.h5").exists()


def film(subset="training", **changes):
    shots = [[0, 2], [2, 5], [5, 6]]
    users = [[1, 4, 2], [2, 4, 1]]
    return dict(subset=subset, duration=6.0, shots=shots, users=users) | changes


def write_json(path, films):
    path.write_text(json.dumps(dict(scale=[1, 4], database=films)))
    return path


def test_our_layout_and_its_mistakes(tmp_path):
    films = {"a.mp4": film(), "b.mp4": film("test")}
    found = read_json(write_json(tmp_path / "a.json", films), "training")
    assert list(found) == ["a.mp4"]
    np.testing.assert_allclose(found["a.mp4"]["users"][0], [0, 1, 1 / 3], atol=1e-6)
    films = {
        "gap": film(shots=[[0, 2], [3, 5], [5, 6]]),
        "late": film(shots=[[0, 2], [2, 5], [5, 9]]),
        "users": film(users=[[1, 2]]),
        "less": dict(subset="training"),
    }
    with pytest.raises(AnnotationError) as caught:
        read_json(write_json(tmp_path / "b.json", films))
    for part in (
        "gap: shots do not follow each other without a gap",
        "late: shots reach beyond the duration, 6.0 s",
        "users: users has the shape (1, 2), expected (users, 3)",
        "less: shots, users or duration: KeyError('shots')",
    ):
        assert part in str(caught.value), part
    with pytest.raises(AnnotationError, match="no film of the subset 'dev'"):
        read_json(tmp_path / "a.json", "dev")
    (tmp_path / "c.json").write_text("[]")
    with pytest.raises(AnnotationError, match="no list of rated films"):
        read_json(tmp_path / "c.json")


def test_splits(tmp_path):
    path = tmp_path / "splits.json"
    split = dict(train_keys=["tvsum.h5/video_1"], test_keys=["video_2"])
    path.write_text(json.dumps([split, dict(split, test_keys=["tvsum.h5/video_1"])]))
    assert read_split(path, 0, "train") == ["video_1"]
    assert read_split(path, 0, "test") == ["video_2"]
    with pytest.raises(AnnotationError, match="not chosen on the test"):
        read_split(path, 0, "validation")
    with pytest.raises(AnnotationError, match="in train_keys and test_keys"):
        read_split(path, 1, "train")
    with pytest.raises(AnnotationError, match="no split 2 in 2"):
        read_split(path, 2, "train")


def test_augmented_splits(tmp_path):
    """Without the files' names other files' videos would be those of the test."""
    path = tmp_path / "summe_aug_splits.json"
    train = ["tvsum_google_pool5/video_22", "summe_google_pool5/video_3"]
    test = ["summe_google_pool5/video_22"]
    path.write_text(json.dumps([dict(train_keys=train, test_keys=test)]))
    assert read_split(path, 0, "test") == ["video_22"]
    with pytest.raises(AnnotationError, match="of 2 files, summe_google_pool5, tvsum_"):
        read_split(path, 0, "train")


def test_scores_on_the_steps_of_a_film(tmp_path):
    """Every step has the scores of the shot that its middle lies in."""
    path = write_json(tmp_path / "a.json", {"a.mp4": film()})
    (tmp_path / "a.mp4").touch()
    data = SummaryDataset(
        str(path), data_prefix=dict(video=str(tmp_path)), pipeline=[], subset="training"
    )
    info = data.get_data_info(0)
    assert info["filename"] == str(tmp_path / "a.mp4")
    for step in (0.25, 0.3, 0.7):
        count = int(np.ceil(6 / step))
        feats = dict(rgb=np.zeros((count, 2), np.float32))
        info["film_steps"] = FilmSteps(feats, dict(rgb=True), 0.0, step, 6.0)
        found = TRANSFORMS.build(dict(type="AlignImportance"))(dict(info))
        middles = (np.arange(count) + 0.5) * step
        shot = [0 if m < 2 else 1 if m < 5 else 2 for m in middles]
        users = info["rated"]["users"]
        np.testing.assert_array_equal(found["user_importance"], users[:, shot])
        np.testing.assert_allclose(found["gt_importance"], users[:, shot].mean(0))
        ends = found["change_points"]
        assert [shot[first] for first, _ in ends] == [0, 1, 2]
        assert (ends[1:, 0] == ends[:-1, 1] + 1).all() and ends[-1, 1] == count - 1


def test_gtscore_on_the_steps_of_a_film():
    """The video has not the number of frames that the file says."""
    rated = video(frames=300, every=15)._asdict()
    feats = dict(rgb=np.zeros((40, 2), np.float32))
    steps = FilmSteps(feats, dict(rgb=True), 0.0, 0.25, 10.0)  # 10 s: 30 a second
    info = dict(filename="a", rated=rated, film_steps=steps)
    found = TRANSFORMS.build(dict(type="AlignImportance"))(info)
    middles = (np.arange(40) + 0.5) * 0.25 * 30
    expected = [rated["gtscore"][int(m // 15)] for m in middles]
    np.testing.assert_array_equal(found["gt_importance"], expected)
    np.testing.assert_array_equal(found["picks"], np.round(np.arange(40) * 7.5))
    assert found["n_frames"] == 300 and found["user_summary"].shape == (4, 300)


def test_features_of_the_file_train_a_head(tmp_path):
    """No video is there: from HDF5 to a loss, and to what SummaryMetric reads."""
    init_default_scope("mmaction")
    path = str(tmp_path / "a.h5")
    write_hdf5(path, {"video_1": video(), "video_2": video(seed=1)})
    keys = ["gt_importance", "user_summary", "change_points", "n_frames", "picks"]
    pipeline = [
        dict(type="LoadRatedFeatures"),
        dict(type="AlignImportance"),
        dict(type="PackFilmSteps", keys=keys),
    ]
    with pytest.raises(FileNotFoundError, match="2 of 2 videos"):
        SummaryDataset(path, pipeline=pipeline)
    data = SummaryDataset(path, pipeline=pipeline, check_files=False)
    model = MODELS.build(
        dict(
            type="TriModalRecognizer",
            cached_steps=True,
            streams=dict(
                rgb=dict(backbone=dict(type="STConvNet", stages=[dict(channels=8)]))
            ),
            joint=dict(fusion=dict(type="ConcatFusion")),
            cls_head=dict(type="SummaryHead"),
        )
    )
    batch = model.data_preprocessor(pseudo_collate([data[0]]), True)
    assert model(**batch, mode="loss")["loss_importance"] > 0
    (sample,) = model.eval()(**batch, mode="predict")
    assert sample.pred_importance.shape == (20,)
    np.testing.assert_array_equal(sample.picks, np.arange(0, 300, 15))
    assert sample.user_summary.shape == (4, 300) and sample.n_frames == 300
