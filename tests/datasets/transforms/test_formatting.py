"""Whole pipelines: shapes, order of crops and clips, MMAction2's own augmentations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers_media import chirp_sound, frame_number, write_coded
from mmaction.registry import TRANSFORMS
from mmaction.utils import register_all_modules
from mmengine.dataset import Compose, pseudo_collate

from mmstconv.datasets import FormatClips
from mmstconv.media import write_media

register_all_modules(init_default_scope=True)

MODALITIES = ("rgb", "flow", "audio")
LENGTH = 8


def pipeline(
    *geometry, num_clips=1, test_mode=True, modalities=MODALITIES, reader="pyav"
):
    derive = {"flow": dict(type="ComputeFlow"), "audio": dict(type="LogMel")}
    load = {"rgb": [dict(type="LoadFrames")], "audio": [dict(type="LoadWaveform")]}
    load["flow"] = load["rgb"]
    steps = [
        dict(type="OpenMedia", reader=reader),
        dict(
            type="SampleClips",
            clip_len=LENGTH,
            fps=12.5,
            num_clips=num_clips,
            test_mode=test_mode,
        ),
    ]
    for modality in modalities:
        steps += [step for step in load[modality] if step not in steps]
    steps += [dict(step) for step in geometry]
    steps += [derive[modality] for modality in modalities if modality in derive]
    steps += [
        dict(type="FormatClips", modalities=modalities),
        dict(
            type="PackActionInputs",
            collect_keys=modalities,
            meta_keys=("filename", "presence", "img_shape"),
        ),
    ]
    return Compose([TRANSFORMS.build(step) for step in steps])


def sample_of(path):
    return dict(filename=str(path), label=1, modality="RGB", start_index=0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Three seconds whose pitch rises all the time."""
    seconds, rate = 3.0, 16000
    times = np.arange(int(seconds * rate)) / rate
    sweep = 0.3 * np.sin(2 * np.pi * (200 * times + 1000 * times**2))
    return write_coded(
        tmp_path_factory.mktemp("media") / "a.mp4",
        75,
        25,
        width=160,
        waveform=sweep.astype(np.float32),
        sample_rate=rate,
    )


SCALE = dict(type="Resize", scale=(-1, 64))
CENTER = dict(type="CenterCrop", crop_size=64)
THREE = dict(type="ThreeCrop", crop_size=64)


@pytest.mark.parametrize("crop", [CENTER, THREE], ids=["center", "three"])
@pytest.mark.parametrize("num_clips", [1, 3])
def test_shapes(clip, num_clips, crop):
    packed = pipeline(SCALE, crop, num_clips=num_clips)(sample_of(clip))
    total = num_clips * (3 if crop is THREE else 1)
    inputs = packed["inputs"]
    assert inputs["rgb"].shape == (total, 3, LENGTH, 64, 64)
    assert inputs["rgb"].dtype == torch.uint8
    assert inputs["flow"].shape == (total, 2, LENGTH, 64, 64)
    assert inputs["audio"].shape == (total, 64, 1 + 10240 // 160)
    assert inputs["flow"].dtype == inputs["audio"].dtype == torch.float32
    sample = packed["data_samples"]
    assert sample.metainfo["presence"] == dict.fromkeys(MODALITIES, True)
    assert sample.gt_label.tolist() == [1]


def test_crops_outermost_and_sound_with_its_clip(clip):
    """Position i holds clip i modulo 3 in every modality."""
    packed = pipeline(SCALE, num_clips=3)(sample_of(clip))
    inputs = packed["inputs"]
    first = [frame_number(c[:, 0].permute(1, 2, 0).numpy()) for c in inputs["rgb"]]
    assert first == sorted(first)
    assert len(set(first)) == 3
    pitch = [c.mean(1).argmax().item() for c in inputs["audio"]]
    assert pitch == sorted(pitch)
    assert len(set(pitch)) == 3

    cropped = pipeline(SCALE, THREE, num_clips=3)(sample_of(clip))["inputs"]
    assert torch.equal(cropped["audio"], inputs["audio"].repeat(3, 1, 1))
    width = inputs["rgb"].shape[-1]
    for crop, left in enumerate((0, 2 * ((width - 64) // 2), (width - 64) // 2)):
        for number in range(3):
            found = cropped["rgb"][crop * 3 + number]
            assert torch.equal(found, inputs["rgb"][number][..., left : left + 64])


def test_additional_frame_is_dropped(clip):
    """RGB frame k is the one the flow of step k starts from."""
    results = dict(
        imgs=[np.full((4, 4, 3), k, np.uint8) for k in range(2 * 9)],
        clip_len=8,
        num_clips=2,
    )
    rgb = FormatClips(["rgb"])(results)["rgb"]
    assert rgb.flags["C_CONTIGUOUS"]
    assert rgb[:, 0, :, 0, 0].tolist() == [list(range(8)), list(range(9, 17))]
    whole = FormatClips(["rgb"], keep_last_frame=True)(results)["rgb"]
    assert whole.flags["C_CONTIGUOUS"]
    assert whole[:, 0, :, 0, 0].tolist() == [list(range(9)), list(range(9, 18))]


def test_training_augmentations(clip):
    """MMAction2's random ones; all clips stay the same size."""
    np.random.seed(0)
    augment = (
        SCALE,
        dict(type="RandomResizedCrop"),
        dict(type="Resize", scale=(56, 56), keep_ratio=False),
        dict(type="Flip", flip_ratio=0.5),
    )
    run = pipeline(*augment, num_clips=2, test_mode=False)
    batch = pseudo_collate([run(sample_of(clip)) for _ in range(6)])
    for inputs in zip(*(batch["inputs"][name] for name in MODALITIES)):
        assert [tuple(value.shape) for value in inputs] == [
            (2, 3, LENGTH, 56, 56),
            (2, 2, LENGTH, 56, 56),
            (2, 64, 65),
        ]


def test_flip_turns_frames_and_flow(clip):
    plain = pipeline(SCALE, CENTER)(sample_of(clip))["inputs"]
    flip = dict(type="Flip", flip_ratio=1.0)
    mirrored = pipeline(SCALE, CENTER, flip)(sample_of(clip))["inputs"]
    assert torch.equal(mirrored["rgb"].flip(-1), plain["rgb"])
    assert torch.equal(mirrored["audio"], plain["audio"])


def test_frames_that_repeat_are_flipped_once(tmp_path):
    """A still of one frame: every copy has to be mirrored exactly once."""
    path = write_coded(tmp_path / "a.mp4", 1, width=96)
    plain = pipeline(CENTER, modalities=("rgb",))(sample_of(path))["inputs"]["rgb"]
    flip = dict(type="Flip", flip_ratio=1.0)
    found = pipeline(CENTER, flip, modalities=("rgb",))(sample_of(path))["inputs"]
    assert torch.equal(found["rgb"].flip(-1), plain)


@pytest.mark.parametrize(
    "modalities", [("rgb",), ("flow",), ("audio",), ("rgb", "audio"), ("audio", "flow")]
)
def test_subsets(clip, modalities):
    geometry = () if modalities == ("audio",) else (SCALE, THREE)
    packed = pipeline(*geometry, num_clips=2, modalities=modalities)(sample_of(clip))
    assert set(packed["inputs"]) == set(modalities)
    crops = 1 if modalities == ("audio",) else 3
    assert {len(value) for value in packed["inputs"].values()} == {2 * crops}


@pytest.mark.parametrize("kind", ["no sound", "no picture", "one frame", "turned"])
def test_unusual_files(tmp_path, kind):
    sound = dict(waveform=chirp_sound(1, 0.2, 16000), sample_rate=16000)
    paths = {
        "no sound": lambda: write_coded(tmp_path / "a.mp4", 30),
        "no picture": lambda: write_media(tmp_path / "a.m4a", **sound),
        "one frame": lambda: write_coded(tmp_path / "b.mp4", 1, **sound),
        "turned": lambda: write_coded(tmp_path / "c.mp4", 9, rotation=90, **sound),
    }
    packed = pipeline(SCALE, THREE, num_clips=2)(sample_of(paths[kind]()))
    assert packed["inputs"]["rgb"].shape == (6, 3, LENGTH, 64, 64)
    assert packed["inputs"]["flow"].shape == (6, 2, LENGTH, 64, 64)
    assert packed["inputs"]["audio"].shape == (6, 64, 65)
    presence = packed["data_samples"].metainfo["presence"]
    picture, sound = kind != "no picture", kind != "no sound"
    assert presence == {"rgb": picture, "flow": picture, "audio": sound}


def test_both_readers_give_the_same(clip):
    pytest.importorskip("decord")
    one, other = (
        pipeline(SCALE, CENTER, num_clips=2, reader=reader)(sample_of(clip))["inputs"]
        for reader in ("pyav", "decord")
    )
    assert (one["rgb"].int() - other["rgb"].int()).abs().max() <= 2
    assert torch.equal(one["audio"], other["audio"])


def test_the_file_is_closed(clip):
    closed = []

    class Media:
        damage = ("3 packets could not be decoded",)

        def close(self):
            closed.append(True)

    results = dict(audio=np.zeros((1, 2, 3)), num_clips=1, media=Media())
    results = FormatClips(["audio"])(results)
    assert "media" not in results and closed == [True]
    assert results["damage"] == ["3 packets could not be decoded"]


@pytest.mark.parametrize("names", [["rgb", "a.b"], [], "rgb", ["rgb", "rgb"], [1]])
def test_no_modalities(names):
    with pytest.raises(ValueError, match=r"distinct names, such as \['rgb', 'flow'"):
        FormatClips(names)


def test_missing_steps():
    for name, producer in (
        ("flow", "ComputeFlow"),
        ("rgb", "LoadFrames"),
        ("sound", "a transform that fills 'sound'"),
    ):
        with pytest.raises(KeyError, match=producer):
            FormatClips([name])(dict(num_clips=1, clip_len=2))


def test_clips_that_do_not_match():
    results = dict(
        flow=np.zeros((2, 2, 1, 4, 4)),
        audio=np.zeros((3, 1, 5)),
        num_clips=2,
        clip_len=1,
    )
    with pytest.raises(ValueError, match="differ in their number of clips"):
        FormatClips(["flow", "audio"])(results)


@pytest.mark.parametrize("kind", ["VideoDataset", "MultiModalVideoDataset"])
def test_datasets(clip, kind):
    """The pipeline works under MMAction2's own dataset as well as under ours."""
    from mmaction.registry import DATASETS

    folder = clip.parent
    (folder / "list.txt").write_text("a.mp4 3\n")
    data = DATASETS.build(
        dict(
            type=kind,
            ann_file=str(folder / "list.txt"),
            data_prefix=dict(video=str(folder)),
            pipeline=pipeline(SCALE, CENTER).transforms,
            test_mode=True,
        )
    )
    packed = data[0]
    assert set(packed["inputs"]) == set(MODALITIES)
    assert packed["data_samples"].gt_label.tolist() == [3]
