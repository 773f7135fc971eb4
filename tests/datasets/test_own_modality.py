"""A modality of the user's own, from the data set to the sample the model takes.

The sensor is an IMU, drawn from the name of the file and the time, so that what each
clip must hold is known.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers_extracted import write_extracted, write_list
from helpers_imu import AXES, RATE, LoadDrawnImu, has_imu, imu_at
from helpers_media import chirp_sound, write_coded
from mmaction.registry import DATASETS, MODELS, TRANSFORMS
from mmcv.transforms import BaseTransform
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from mmstconv.datasets import Role
from mmstconv.datasets.pieces import PiecePipeline
from mmstconv.datasets.probing import probe_presence
from mmstconv.media.reading.sequential import SequentialMedia
from mmstconv.pipelines import changed_steps, pipelines

FRAMES, FPS = 8, 10
SECONDS = FRAMES / FPS


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope("mmaction")


@TRANSFORMS.register_module(force=True)
class DrawnDepth(BaseTransform):
    """Another: a map of each frame, made of the frame."""

    role = Role(modalities=("depth",))

    def transform(self, results):
        images = np.stack(results["imgs"]).mean(-1, dtype=np.float32)
        clips = images.reshape(-1, results["clip_len"] + 1, *images.shape[1:])
        results["depth"] = clips[:, None, :-1]  # (M, 1, T, H, W)
        return results


STEPS = dict(
    open=dict(type="OpenMedia"),
    clip=dict(type="SampleClips", clip_len=FRAMES, fps=FPS, test_mode=True),
    frames=[
        dict(type="LoadFrames", short_side=32),
        dict(type="CenterCrop", crop_size=32),
    ],
    flow=dict(type="ComputeFlow"),
    sound=dict(type="LoadWaveform"),
    audio=dict(type="LogMel", n_mels=8),
    imu=dict(type="LoadDrawnImu"),
    format=dict(type="FormatClips"),
    pack=dict(type="PackActionInputs", meta_keys=["presence", "clip_starts"]),
    needs=dict(rgb=["frames"], flow=["frames", "flow"], audio=["sound", "audio"]),
    modalities=["rgb", "flow", "audio", "imu"],
)


def pipeline(**changes):
    return pipelines(changed_steps(STEPS, changes))[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A file with an IMU, one without, and one that is no video; 2 s each."""
    folder = tmp_path_factory.mktemp("films")
    sound = dict(waveform=chirp_sound(2, 0.5, 16000), sample_rate=16000)
    for name in ("first.mp4", "without.mp4"):
        write_coded(folder / name, 50, 25, **sound)
    (folder / "broken.mp4").write_bytes(b"no film\n" * 100)
    names = ("first", "without", "broken")
    lines = [f"{name}.mp4 {k}\n" for k, name in enumerate(names)]
    (folder / "list.txt").write_text("".join(lines))
    return folder


def data_set(folder, steps, kind="video", prefix="video"):
    dataset = DATASETS.build(
        dict(
            type=f"MultiModal{kind.title()}Dataset",
            ann_file=str(folder / "list.txt"),
            data_prefix={prefix: str(folder)},
            pipeline=steps,
            test_mode=True,
        )
    )
    dataset.tolerate(1)
    return dataset


def expected(filename, starts):
    steps = np.arange(round(SECONDS * RATE)) / RATE
    return np.stack([imu_at(filename, start + steps) for start in starts])


@pytest.mark.parametrize("crop", ["CenterCrop", "ThreeCrop"])
def test_from_the_data_set_to_the_sample(folder, crop):
    """Each clip has its own window of the sensor, whatever the crop."""
    frames = [*STEPS["frames"][:1], dict(type=crop, crop_size=32)]
    steps = pipeline(clip=dict(num_clips=2), frames=frames)
    crops = 3 if crop == "ThreeCrop" else 1
    whole, without, broken = list(data_set(folder, steps))
    for packed in (whole, without, broken):
        shapes = {name: tuple(x.shape) for name, x in packed["inputs"].items()}
        assert shapes["imu"] == (2 * crops, AXES, round(SECONDS * RATE))
        assert shapes["rgb"] == (2 * crops, 3, FRAMES, 32, 32)
        assert len({shape[0] for shape in shapes.values()}) == 1
    sample = whole["data_samples"]
    imu = expected(sample.filename, sample.clip_starts)
    np.testing.assert_array_equal(whole["inputs"]["imu"], np.tile(imu, (crops, 1, 1)))
    present = dict(rgb=True, flow=True, audio=True, imu=True)
    assert sample.presence == present
    assert without["data_samples"].presence == dict(present, imu=False)
    assert not any(broken["data_samples"].presence.values())
    assert broken["data_samples"].failure


def test_a_sample_that_was_given_up_has_no_modality(folder):
    """Even where a transform of the user's does not look at ``failure``."""
    results = dict(
        imu=np.zeros((1, AXES, 4)), num_clips=1, failure="broken", presence={}
    )
    formatted = TRANSFORMS.build(dict(type="FormatClips", modalities=["imu"]))(results)
    assert formatted["presence"] == {"imu": False}


def test_alone(folder):
    packed = data_set(folder, pipeline(modalities=["imu"]))[0]
    assert set(packed["inputs"]) == {"imu"}
    bare = pipeline(modalities=["imu"], pack=dict(collect_keys=None))
    assert data_set(folder, bare)[0]["inputs"].equal(packed["inputs"]["imu"])


def test_beside_extracted_frames(tmp_path):
    write_extracted(tmp_path, "one", 50)
    frames = tmp_path / "rawframes"
    write_list(frames, {"one": 50})
    steps = pipeline(open=dict(type="OpenRawFrames", fps=25))
    packed = data_set(frames, steps, "rawframe", "img")[0]
    sample = packed["data_samples"]
    assert sample.presence == dict(rgb=True, flow=True, audio=False, imu=True)
    np.testing.assert_array_equal(
        packed["inputs"]["imu"], expected(sample.filename, sample.clip_starts)
    )


def test_presence_is_told_before_training(folder):
    dataset = data_set(folder, pipeline())
    found = [probe_presence(dataset, dataset.get_data_info(k)) for k in range(3)]
    assert [one and one["imu"] for one in found] == [True, False, None]


def test_through_the_preprocessor(folder):
    batch = pseudo_collate([data_set(folder, pipeline())[k] for k in (0, 1)])
    one = dict(type="ActionDataPreprocessor")
    names = ("rgb", "flow", "audio", "imu")
    preprocessor = MODELS.build(
        dict(
            type="TriModalDataPreprocessor",
            preprocessors={name: dict(one, mean=[0.0], std=[2.0]) for name in names},
        )
    )
    ready = preprocessor(batch)["inputs"]["imu"]
    assert ready.shape == (2, 1, AXES, round(SECONDS * RATE))
    torch.testing.assert_close(ready[0], batch["inputs"]["imu"][0] / 2)


def whole_window(steps, path, start):
    """One window through the whole pipeline, as a clip of its own."""
    opened, _, *rest = (TRANSFORMS.build(dict(step)) for step in steps)
    results = opened(dict(filename=str(path), label=-1))
    results.update(
        frame_times=start + np.arange(FRAMES + 1)[None] / FPS,
        clip_starts=np.array([start]),
        clip_duration=SECONDS,
        clip_len=FRAMES,
        num_clips=1,
    )
    for step in rest:
        results = step(results)
    return results["inputs"], results["data_samples"].presence


@pytest.mark.parametrize("name", ["first", "without"])
def test_along_a_long_video(folder, name):
    """Windows of the pieces equal windows by themselves: IMU, depth and all else."""
    path = folder / f"{name}.mp4"
    steps = pipeline(
        depth=dict(type="DrawnDepth"),
        modalities=["imu", "rgb", "flow", "depth", "audio"],
    )
    pieces = PiecePipeline(steps)
    assert pieces.visual == ["rgb", "flow", "depth"]
    assert pieces.windowed == ["imu", "audio"]
    starts = [0.0, 0.4, 0.8]
    firsts = [round(start * FPS) for start in starts]
    times = pieces.times(0.0, firsts[-1] + FRAMES)
    with SequentialMedia(lambda: pieces.open(str(path)), times) as media:
        shared = [pieces.frames(media, times[a : a + 6])[0] for a in (0, 5, 10)]
        shared.append(pieces.frames(media, times[15:])[0])
        own, presence = pieces.windows(media, starts)
    for window, (start, first) in enumerate(zip(starts, firsts)):
        alone, present = whole_window(steps, path, start)
        for modality in pieces.windowed:
            np.testing.assert_allclose(
                own[modality][window], alone[modality][0], atol=1e-6, err_msg=modality
            )
            assert presence[modality] == present[modality]
        for modality in pieces.visual:
            whole = np.concatenate([piece[modality] for piece in shared], axis=2)
            np.testing.assert_array_equal(
                whole[:, :, first : first + FRAMES], alone[modality], modality
            )
    assert presence == dict(imu=has_imu(name), audio=True)


def test_a_transform_that_does_not_say_what_it_fills(monkeypatch):
    monkeypatch.delattr(LoadDrawnImu, "role")
    with pytest.raises(ValueError, match=r"fills 'imu'.*role = Role\(.*of_windows=Tr"):
        PiecePipeline(pipeline())
