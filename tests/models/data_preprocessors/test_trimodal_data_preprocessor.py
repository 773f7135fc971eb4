"""Batches as MMAction2 prepares them; flow as ``ComputeFlow`` would have given it."""

from __future__ import annotations

import copy

import cv2
import numpy as np
import pytest
import torch
from conftest import ROOT
from helpers_culprits import for_each
from helpers_media import chirp_sound
from mmaction.registry import MODELS, TRANSFORMS
from mmaction.structures import ActionDataSample
from mmaction.utils import register_all_modules
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate

from mmstconv.media import write_media
from mmstconv.models import TriModalDataPreprocessor
from mmstconv.models.data_preprocessors.trimodal_data_preprocessor import runs_on

register_all_modules(init_default_scope=True)

FOLDER = ROOT / "configs/recognition/stconvnet"
NAME = "stlite_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio"
VIDEO = dict(type="ActionDataPreprocessor", format_shape="NCTHW")
PARTS = dict(
    rgb=dict(VIDEO, mean=[100.0, 110.0, 120.0], std=[50.0, 51.0, 52.0]),
    flow=dict(VIDEO, mean=[0.0, 0.0], std=[20.0, 20.0]),
    audio=dict(type="ActionDataPreprocessor", mean=[-8.0], std=[5.0]),
)


def build(flow=True):
    return TriModalDataPreprocessor(PARTS, flow=dict(type="TVL1Flow") if flow else None)


def moving(steps=2, clips=1, size=48):
    """A texture that goes right by 2 pixels a frame, ``(M, 3, T + 1, H, W)``."""
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.uniform(0, 255, (1, 3, 16, 16)))
    image = torch.nn.functional.interpolate(coarse, 80, mode="bicubic")[0]
    image = image.clamp(0, 255).byte()
    starts = [20 - 2 * k for k in range(steps + 1)]
    frames = [image[:, 9 : 9 + size, x : x + size] for x in starts]
    return torch.stack(frames, dim=1).expand(clips, -1, -1, -1, -1)


def batch_of(times, clips, presence=({},)):
    steps = np.shape(times)[1] - 1
    samples = [
        ActionDataSample(
            metainfo=dict(filename="a.mp4", presence=here, frame_times=times)
        ).set_gt_label(row)
        for row, here in enumerate(presence)
    ]
    inputs = dict(
        rgb=[moving(steps, clips) for _ in presence],
        audio=[torch.randn(clips, 4, 9) for _ in presence],
    )
    return dict(inputs=inputs, data_samples=samples)


def test_the_same_as_the_original():
    """Without flow of its own: MMAction2's numbers, and the batch left as it was."""
    batch = batch_of([[0.0, 1.0, 2.0]], 2, [{}, dict(audio=False)])
    batch["inputs"]["flow"] = [torch.randn(2, 2, 3, 48, 48) for _ in range(2)]
    original = MODELS.build(
        dict(type="MultiModalDataPreprocessor", preprocessors=PARTS)
    )
    before = copy.deepcopy(batch["inputs"])
    found, expected = build(flow=False)(batch), original(copy.deepcopy(batch))
    assert list(found["inputs"]) == list(expected["inputs"])
    for name, value in expected["inputs"].items():
        assert torch.equal(found["inputs"][name], value)
        assert all(map(torch.equal, batch["inputs"][name], before[name]))
    labels = [sample.gt_label.item() for sample in found["data_samples"]]
    assert labels == [0, 1]


def test_flow_of_the_frames():
    found = build()(batch_of([[0.0, 1.0, 2.0]], 1))["inputs"]
    assert {name: tuple(one.shape) for name, one in found.items()} == {
        "rgb": (1, 1, 3, 2, 48, 48),
        "audio": (1, 1, 4, 9),
        "flow": (1, 1, 2, 2, 48, 48),
    }
    mean = torch.tensor(PARTS["rgb"]["mean"]).view(3, 1, 1, 1)
    std = torch.tensor(PARTS["rgb"]["std"]).view(3, 1, 1, 1)
    assert torch.allclose(found["rgb"][0, 0], (moving()[0, :, :2] - mean) / std)
    levels = found["flow"] * 255 / 2  # normalised: the bound of 20 is 1
    assert torch.allclose(levels, levels.round(), atol=1e-4)
    inner = 20 * found["flow"][0, 0, :, :, 12:-12, 12:-12].mean(dim=(1, 2, 3))
    assert inner.tolist() == pytest.approx([2, 0], abs=0.15)


def test_nothing_where_a_clip_starts_again_or_there_is_no_video():
    """Two clips in three crops, crops outermost; the second clip wraps at its end."""
    times = [[0.0, 0.1, 0.2], [0.1, 0.2, 0.1]]
    flow = build()(batch_of(times, 6, [{}, dict(flow=False)]))["inputs"]["flow"]
    any_flow = flow.abs().amax(dim=(2, 4, 5)) > 0  # (N, M, T)
    assert any_flow[0].tolist() == [[True, True], [True, False]] * 3
    assert not any_flow[1].any()


def test_both_ways_through_the_pipeline(tmp_path):
    """From one file: same frames and sound, flow close to the host's DIS."""
    image = np.random.default_rng(0).uniform(-900, 1100, (300, 300, 3))
    image = cv2.GaussianBlur(image, (0, 0), 4).clip(0, 255).astype(np.uint8)
    frames = [image[k : k + 128, 2 * k : 2 * k + 160] for k in range(50)]
    path = write_media(
        tmp_path / "a.mp4", frames, 25, chirp_sound(2, 0.5, 16000), 16000
    )
    found = []
    for suffix in ("", "_device-flow"):
        cfg = Config.fromfile(FOLDER / f"{NAME}{suffix}.py")
        steps = cfg.val_dataloader.dataset.pipeline
        info = dict(filename=str(path), label=1, start_index=0, modality="RGB")
        packed = Compose([TRANSFORMS.build(step) for step in steps])(info)
        preprocessor = MODELS.build(cfg.model.data_preprocessor)
        found.append(preprocessor(pseudo_collate([packed]))["inputs"])
    host, device = found
    assert set(packed["inputs"]) == {"rgb", "audio"}
    assert torch.equal(host["rgb"], device["rgb"])
    assert torch.equal(host["audio"], device["audio"])
    assert host["flow"].shape == device["flow"].shape == (1, 1, 2, 16, 56, 56)
    assert device["flow"].dtype == torch.float32
    # in pixels of the frames, twice those of their flow
    assert (2 * 10 * host["flow"]).abs().median() > 1
    difference = 2 * 10 * (host["flow"] - device["flow"]).abs()
    assert difference.median() < 0.1 and difference.mean() < 0.3


def without_times(batch):
    batch["data_samples"][0].set_metainfo(dict(frame_times=None))


def with_flow(batch):
    batch["inputs"]["flow"] = [torch.zeros(1, 2, 2, 48, 48)]


def without_last_frame(batch):
    batch["inputs"]["rgb"] = [batch["inputs"]["rgb"][0][:, :, :-1]]


def without_rgb(batch):
    del batch["inputs"]["rgb"]


@for_each(
    "spoil, message",
    [
        (without_times, "a.mp4: no frame_times .*add it to meta_keys of PackAction"),
        (with_flow, r"must have rgb and no flow, got \['audio', 'flow', 'rgb'\]"),
        (without_rgb, r"must have rgb and no flow, got \['audio'\]"),
        (without_last_frame, "1 clips of 2 frames, .* 3 frames: .*keep_last_frame=Tr"),
    ],
)
def test_pipelines_that_do_not_fit(spoil, message):
    batch = batch_of([[0.0, 1.0, 2.0]], 1)
    spoil(batch)
    with pytest.raises(ValueError, match=message):
        build()(batch)


def test_clips_that_do_not_fit_the_times():
    sample = ActionDataSample(metainfo=dict(frame_times=np.zeros((2, 3))))
    with pytest.raises(ValueError, match="3 clips of 3 frames, but frame_times of 2"):
        runs_on(sample, 3, 2)
