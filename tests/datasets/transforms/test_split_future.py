"""Nothing of the frames to come is left in what a model sees."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmaction.registry import TRANSFORMS
from mmaction.utils import register_all_modules

from mmstconv.datasets import SplitFuture
from mmstconv.media import SoundCoding, VideoCoding, write_media

register_all_modules(init_default_scope=True)

SEEN, FUTURE, FPS, RATE = 4, 3, 8, 16000
CONTEXT = 0.25  # seconds of sound around a clip
LOSSLESS = VideoCoding(
    codec="libx264rgb", options={"crf": "0"}, pix_fmt="rgb24", gop_size=1
)


def clip(rng, speed=1.0):
    """A loaded clip, before anything is derived of it."""
    frames = SEEN + FUTURE
    seconds = frames / FPS
    return dict(
        filename="clip",
        imgs=list(rng.integers(0, 255, (frames + 1, 32, 32, 3), np.uint8)),
        frame_times=3 + np.arange(frames + 1.0)[None] * speed / FPS,
        clip_starts=np.array([3.0]),
        clip_duration=seconds * speed,
        speed=speed,
        clip_len=frames,
        num_clips=1,
        waveform=rng.normal(size=(1, round((seconds + CONTEXT) * RATE))).astype("f4"),
        sample_rate=RATE,
        presence=dict(rgb=True, flow=True, audio=True),
    )


def derived(results):
    """What a model sees."""
    for cfg in (
        dict(type="SplitFuture", seen=SEEN, future=FUTURE),
        dict(type="ComputeFlow"),
        dict(type="LogMel", n_mels=16, n_fft=1024, hop_length=320),
        dict(type="FormatClips"),
    ):
        results = TRANSFORMS.build(cfg)(results)
    return results


@pytest.mark.parametrize("speed", [1.0, 1.5])
def test_the_future_changes_nothing_of_the_inputs(speed):
    rng = np.random.default_rng(0)
    one = clip(rng, speed)
    heard = round((SEEN / FPS + CONTEXT / 2) * RATE)
    other = dict(one, imgs=[*one["imgs"][:SEEN]], waveform=one["waveform"].copy())
    other["imgs"] += list(rng.integers(0, 255, (FUTURE + 1, 32, 32, 3), np.uint8))
    other["waveform"][:, heard:] = rng.normal(size=(1, other["waveform"].shape[1]))[
        :, heard:
    ]
    first, second = derived(dict(one)), derived(other)
    for name, shape in dict(
        rgb=(1, 3, SEEN, 32, 32), flow=(1, 2, SEEN, 32, 32), audio=(1, 16, 32)
    ).items():
        assert first[name].shape == shape
        np.testing.assert_array_equal(first[name], second[name], name)
    assert not first["gt_frames"].equal(second["gt_frames"])
    # ... and a change of what was seen and heard last does
    other["imgs"][SEEN - 1] = other["imgs"][SEEN - 1][::-1]
    other["waveform"][:, heard - 1] += 1
    third = derived(other)
    assert all((first[name] != third[name]).any() for name in ("rgb", "flow", "audio"))


def test_what_it_gives():
    one = clip(np.random.default_rng(1))
    results = derived(dict(one))
    truth = torch.from_numpy(np.stack(one["imgs"][SEEN : SEEN + FUTURE]))
    assert results["gt_frames"].dtype == torch.uint8
    assert results["gt_frames"].equal(truth.permute(3, 0, 1, 2))
    np.testing.assert_array_equal(
        results["rgb"][0], np.stack(one["imgs"][:SEEN]).transpose(3, 0, 1, 2)
    )
    assert not results["flow"][:, :, -1].any() and results["flow"][:, :, -2].any()
    assert results["clip_duration"] == pytest.approx(SEEN / FPS)
    np.testing.assert_allclose(
        results["future_times"], 3 + np.arange(SEEN, SEEN + FUTURE) / FPS
    )
    grey = SplitFuture(SEEN, FUTURE, grey=True)(dict(one))["gt_frames"]
    weight = torch.tensor([0.299, 0.587, 0.114])
    expected = (truth.float() @ weight)[None]
    assert (grey.float() - expected).abs().max() <= 0.51


def test_inputs_alone():
    one = clip(np.random.default_rng(2))
    one.update(clip_len=SEEN, imgs=one["imgs"][: SEEN + 1])
    one["frame_times"] = one["frame_times"][:, : SEEN + 1]
    results = SplitFuture(SEEN)(one)
    assert "gt_frames" not in results
    assert len(results["imgs"]) == SEEN + 1


def test_files_that_differ_in_the_future_alone(tmp_path):
    rng = np.random.default_rng(3)
    frames = rng.integers(0, 255, (SEEN + FUTURE, 32, 32, 3), np.uint8)
    sound = rng.uniform(-0.5, 0.5, round((SEEN + FUTURE) / FPS * RATE)).astype("f4")
    pipeline = [
        dict(type="OpenMedia"),
        dict(type="SampleClips", clip_len=SEEN + FUTURE, fps=FPS, test_mode=True),
        dict(type="LoadFrames"),
        dict(type="LoadWaveform", sample_rate=RATE),
    ]
    inputs = []
    for name in ("one.mkv", "other.mkv"):
        write_media(
            *(tmp_path / name, list(frames), FPS, sound[None], RATE),
            video=LOSSLESS,
            sound=SoundCoding(codec="pcm_s16le"),
        )
        results = dict(filename=str(tmp_path / name))
        for step in pipeline:
            results = TRANSFORMS.build(step)(results)
        inputs.append(derived(results))
        frames[SEEN:] = 255 - frames[SEEN:]
        sound[round(SEEN / FPS * RATE) :] *= -0.5
    for name in ("rgb", "flow", "audio"):
        np.testing.assert_array_equal(inputs[0][name], inputs[1][name], name)
    assert not inputs[0]["gt_frames"].equal(inputs[1]["gt_frames"])


def test_wrong_input():
    one = clip(np.random.default_rng(4))
    wrong = [
        (dict(clip_len=9), "takes clips of 7 frames"),
        (dict(num_clips=2), "one clip"),
        (dict(flow=0), "before ComputeFlow"),
        (dict(audio=0), "before LogMel"),
        (dict(frame_times=one["frame_times"] % 3.5), "clip: .* file ends 4 frames"),
    ]
    for change, message in wrong:
        results = {**one, **change}
        if "clip_len" in change:
            results["imgs"] = [*one["imgs"], *one["imgs"][:2]]
        with pytest.raises(ValueError, match=message):
            SplitFuture(SEEN, FUTURE)(results)
    with pytest.raises(KeyError, match="LoadFrames"):
        SplitFuture(SEEN, FUTURE)({})
    with pytest.raises(ValueError, match="seen must be a positive integer"):
        SplitFuture(0, 1)
