"""Features along a file, against each window by itself and against known instants."""

from __future__ import annotations

import math
import wave

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from apis.test_long_video import FPS, FRAMES, make_model, window_of
from helpers_media import chirp_sound, write_coded
from mmengine.dataset import pseudo_collate
from torch import nn

from mmstconv.apis import extract_features
from mmstconv.apis.features import FUSED, FeatureReader, join_rows
from mmstconv.apis.features.streams_alone import recognizer_of
from mmstconv.media import write_media
from mmstconv.models.streams import ConvStream


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """4.1 s, no whole number of windows or hops, with sound."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    sound = dict(waveform=chirp_sound(4, 0.9, 44100), sample_rate=44100)
    return write_coded(path, count=103, fps=25, gop_size=250, **sound)


@torch.no_grad()
def naive(model, path, names, seconds, hop):
    """Streams on each window of a full decode, the nearest to the middle for a step."""
    count = math.ceil((seconds * FPS - FRAMES) / hop - 1e-6) + 1  # to the end
    starts = [k * hop / FPS for k in range(count)]
    windows = []
    for start in starts:
        results = window_of(model, path, start)
        data = model.data_preprocessor(pseudo_collate([results]), False)
        feats = {n: model.streams[n](data["inputs"][n][0])[0] for n in names}
        steps = min(x.shape[1] for x in feats.values())
        windows.append(
            {
                name: F.adaptive_avg_pool1d(x.transpose(1, 2), steps)[0].T
                for name, x in feats.items()
            }
        )
    step = FRAMES / FPS / steps
    rows, middle = [], FRAMES / FPS / 2
    for k in range(math.ceil(seconds / step - 1e-6)):
        time = (k + 0.5) * step
        inside = [w for w, s in enumerate(starts) if s <= time < s + FRAMES / FPS]
        best = min(inside, key=lambda w: abs(time - starts[w] - middle))
        index = math.floor((time - starts[best]) / step)
        rows.append({name: x[index] for name, x in windows[best].items()})
    feats = {name: torch.stack([row[name] for row in rows]).numpy() for name in names}
    return feats, step


@pytest.mark.parametrize(
    ("names", "hop"), [(["rgb", "audio"], 6), (["flow"], 2), (["audio"], 4)], ids=str
)
def test_rows_are_those_of_the_windows_one_by_one(film, names, hop):
    model = make_model(padded=True)
    rows = join_rows(extract_features(model, film, names, hop=hop))
    feats, step = naive(model, film, names, 4.12, hop)
    assert list(rows.feats) == names and rows.presence == dict.fromkeys(names, True)
    for name in names:
        np.testing.assert_allclose(rows.feats[name], feats[name], atol=1e-5)
    edges = step * np.arange(rows.count + 1)
    np.testing.assert_allclose(rows.seconds, np.stack([edges[:-1], edges[1:]], 1))
    clip = join_rows(extract_features(model, film, names, level="clip", hop=hop))
    for name in names:
        mean = feats[name].mean(0, keepdims=True)
        np.testing.assert_allclose(clip.feats[name], mean, atol=1e-5)
    np.testing.assert_allclose(clip.seconds, [[0, 4.12]], atol=0.03)


@pytest.mark.parametrize(
    "case", [None, dict(type="ConvFusion", channels=3, kernel_size=3)], ids=str
)
@torch.no_grad()
def test_fused_rows_are_what_the_operator_makes_of_the_others(film, case):
    """Also one that looks at the steps before and after, at the ends of pieces."""
    model = make_model(padded=True, fusion=case)
    names = ["rgb", "flow", "audio", FUSED]
    rows = join_rows(extract_features(model, film, names))
    feats = {name: torch.from_numpy(rows.feats[name])[None] for name in names[:3]}
    present = dict.fromkeys(names[:3], torch.tensor([True]))
    expected = model.joint.fusion(feats, present)[0]
    assert rows.feats[FUSED].std() > 1e-3
    np.testing.assert_allclose(rows.feats[FUSED], expected.numpy(), atol=1e-5)
    assert FeatureReader(model, names).widths[FUSED] == expected.shape[1]


def test_operators_of_maps_do_not_stand_in_the_way(film):
    """The streams run without the joint; only what it fuses cannot be had."""
    trunk = dict(type="STConvNet", stages=[dict(channels=6)])
    fusion = dict(type="Conv3dFusion", trunk=trunk)
    model = make_model(("rgb", "flow"), True, fusion)
    rows = join_rows(extract_features(model, film, ["rgb"]))
    assert rows.feats["rgb"].shape[1] == 6
    with pytest.raises(ValueError, match="fuses maps"):
        FeatureReader(model, ["rgb", FUSED])


class Mean(nn.Module):
    """What a network is here: how bright, or how loud, each step is."""

    out_channels = 1

    def forward(self, x):  # (N, 3, T, H, W) or (N, bands, T)
        x = x.flatten(3).mean(3) if x.dim() > 3 else x
        return x.mean(1, keepdim=True)  # (N, 1, T)


@pytest.mark.parametrize("rate", [None, 4.0, 10.0], ids=str)
def test_a_flash_and_a_click_are_in_one_row(tmp_path, rate):
    fps, seconds, at = 20, 9, 5.3
    times = np.arange(fps * seconds) / fps
    lit = (times >= at - 1e-6) & (times < at + 0.1 - 1e-6)
    frames = [np.full((32, 32, 3), 255 * here, np.uint8) for here in lit]
    sound = np.zeros(16000 * seconds, np.float32)
    sound[int(16000 * at) : int(16000 * (at + 0.1))] = 0.5
    sound *= np.cos(np.arange(len(sound)))
    film = tmp_path / "flash.mp4"
    write_media(film, frames, fps, waveform=sound, sample_rate=16000)
    names = ["rgb", "audio"]
    pipeline = [
        dict(type="OpenMedia"),
        dict(type="SampleClips", clip_len=20, fps=fps, test_mode=True),
        dict(type="LoadFrames"),
        dict(type="LoadWaveform"),
        dict(type="LogMel", n_mels=8),
        dict(type="FormatClips", modalities=names),
        dict(type="PackActionInputs", collect_keys=names, meta_keys=["presence"]),
    ]
    model = recognizer_of({name: ConvStream(Mean()) for name in names}, pipeline)
    rows = join_rows(extract_features(model, film, rate=rate))
    step = 1 / (rate or fps)
    assert rows.count == seconds / step
    for name in names:
        found = int(rows.feats[name].argmax())
        begin, end = rows.seconds[found]
        assert begin - 1e-6 <= at + 0.05 <= end + step, (name, begin, end)
    peaks = {name: int(rows.feats[name].argmax()) for name in names}
    assert abs(peaks["rgb"] - peaks["audio"]) <= (rate is None), peaks


def test_what_a_file_lacks_is_zeros_on_the_same_rows(film, tmp_path):
    model = make_model(padded=True)
    silent = write_coded(tmp_path / "silent.mp4", count=103, fps=25)
    blind = tmp_path / "blind.wav"
    with wave.open(str(blind), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes((chirp_sound(4, 0.9, 16000) * 3e4).astype("<i2").tobytes())
    for path, lacking in ((silent, {"audio"}), (blind, {"rgb", "flow"})):
        rows = join_rows(extract_features(model, path, rate=4))
        absent = {name for name, here in rows.presence.items() if not here}
        assert absent == lacking
        for name, x in rows.feats.items():
            assert (np.abs(x).max() == 0) == (name in lacking), name
        np.testing.assert_allclose(rows.seconds[:, 0], np.arange(rows.count) / 4)


def test_what_does_not_fit():
    model = make_model(padded=True)
    for options, message in [
        (dict(modalities=["rgb", "depth"]), "some of rgb, flow, audio, fused"),
        (dict(modalities=["rgb", "rgb"]), "each once"),
        (dict(level="film"), "level is 'film'"),
        (dict(rate=0), "rate must be rows per second"),
        (dict(rate=math.nan), "rate must be rows per second"),
        (dict(rate=4, level="clip"), "leave rate out"),
        (dict(hop=1000), "hop must be whole steps"),
    ]:
        with pytest.raises(ValueError, match=message):
            FeatureReader(model, **options)
