"""Windows from shared work equal those recomputed through the test pipeline."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from helpers_media import chirp_sound, write_coded
from mmaction.registry import MODELS, TRANSFORMS
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope

from mmstconv.apis import StreamingRecognizer, predict_video, score_video
from mmstconv.apis.windows import window_count
from mmstconv.media import UnreadableMediaError, open_media

FRAMES, FPS = 12, 8
POOL = dict(mode="max", size=2)
STAGES = [
    dict(channels=4, stride=(1, 2, 2), spatial_pool=POOL),
    dict(channels=6, temporal_pool=POOL),
]


def make_pipeline(modalities, crop="CenterCrop", context=0.0):
    sound = "audio" in modalities
    return [
        dict(type="OpenMedia"),
        dict(type="SampleClips", clip_len=FRAMES, fps=FPS, test_mode=True),
        dict(type="LoadFrames", short_side=24),
        dict(type=crop, crop_size=24 if crop == "ThreeCrop" else 20),
        *([dict(type="LoadWaveform", context=context)] if sound else []),
        dict(type="ComputeFlow"),
        *([dict(type="LogMel", n_mels=8)] if sound else []),
        dict(type="FormatClips", modalities=modalities),
        dict(
            type="PackActionInputs",
            collect_keys=modalities,
            meta_keys=["filename", "presence"],
        ),
    ]


def make_model(modalities=("rgb", "flow", "audio"), padded=False, fusion=None, **pipe):
    init_default_scope("mmaction")
    torch.manual_seed(1)
    maps = fusion is not None
    neck = dict(type="LSTMTemporalNeck", in_channels=6, hidden_channels=5)
    streams = {}
    for name in modalities:
        backbone = dict(type="STConvNet", stages=STAGES, temporal_padding=padded)
        backbone["in_channels"] = 3 if name == "rgb" else 2
        if name == "audio":
            stages = [dict(channels=6, pool=POOL)]
            backbone = dict(type="AudioConvNet", in_channels=8, stages=stages)
        streams[name] = dict(backbone=backbone, neck=None if maps else neck)
    one = dict(type="ActionDataPreprocessor", format_shape="NCTHW")
    scale = dict(
        rgb=dict(one, mean=[127.0] * 3, std=[60.0] * 3),
        flow=dict(one, mean=[0.0] * 2, std=[2.0] * 2),
        audio=dict(type="ActionDataPreprocessor", mean=[-8.0], std=[5.0]),
    )
    cfg = dict(
        type="TriModalRecognizer",
        streams=streams,
        data_preprocessor=dict(
            type="MultiModalDataPreprocessor",
            preprocessors={name: scale[name] for name in modalities},
        ),
        joint=dict(fusion=fusion),
        cls_head=dict(
            type="TriModalFusionHead",
            num_classes=4,
            init_std=1.0,
            average_clips="prob",
        ),
    )
    model = MODELS.build(cfg).eval()
    for name, parameter in model.named_parameters():
        if "fc_cls" in name or "classifiers" in name:
            torch.nn.init.normal_(parameter)
    pipeline = make_pipeline(list(modalities), **pipe)
    model.cfg = ConfigDict(test_pipeline=pipeline, model=cfg)
    return model


def window_of(model, path, start):
    """One window through the whole test pipeline."""
    opened, _, *steps = (TRANSFORMS.build(step) for step in model.cfg.test_pipeline)
    results = opened(dict(filename=str(path), label=-1))
    results.update(
        frame_times=start + np.arange(FRAMES + 1)[None] / FPS,
        clip_starts=np.array([start]),
        clip_duration=FRAMES / FPS,
        clip_len=FRAMES,
        num_clips=1,
    )
    for step in steps:
        results = step(results)
    return results


def recomputed(model, path, start):
    """One window through the whole test pipeline and the whole model."""
    results = window_of(model, path, start)
    data = dict(
        inputs={name: [x] for name, x in results["inputs"].items()},
        data_samples=[results["data_samples"]],
    )
    with torch.no_grad():
        return model.test_step(data)[0].pred_score


def check(model, path, windows):
    alone = torch.stack([recomputed(model, path, window.start) for window in windows])
    shared = torch.stack([window.scores for window in windows])
    torch.testing.assert_close(shared, alone, rtol=0, atol=1e-5)
    if len(alone) > 1:  # else all could be one constant
        assert (alone[1:] - alone[:-1]).abs().max() > 1e-4


@pytest.fixture(scope="module", params=["mp4"])
def film(request, tmp_path_factory):
    """9.6 s at another rate than the windows', one key frame, sound at 44.1 kHz."""
    path = tmp_path_factory.mktemp("film") / f"film.{request.param}"
    sound = dict(waveform=chirp_sound(9, 0.9, 44100), sample_rate=44100)
    return write_coded(path, count=240, fps=25, gop_size=250, **sound)


@pytest.fixture(scope="module")
def silent(tmp_path_factory):
    return write_coded(tmp_path_factory.mktemp("silent") / "a.mp4", count=75, fps=25)


@pytest.mark.parametrize(
    "case",
    [
        dict(),
        dict(padded=True),
        dict(modalities=("rgb",)),
        dict(modalities=("flow", "audio")),
        dict(modalities=("audio",)),
        dict(crop="ThreeCrop"),
        dict(context=0.4),
        dict(fusion=dict(type="ConvFusion", channels=4)),
    ],
    ids=str,
)
def test_equals_every_window_recomputed(film, case):
    model = make_model(**case)
    windows = list(score_video(model, film, hop=4))
    assert len(windows) == 17  # (9.6 - 1.5) / 0.5
    assert windows[0].start == 0 and windows[-1].end == 9.5
    check(model, film, windows)


@pytest.mark.parametrize("film", ["mkv", "ts"], indirect=True)
def test_clocks_coarser_than_sound(film):
    model = make_model()
    check(model, film, list(score_video(model, film, hop=4)))


def test_several_pieces_and_one_frame_at_a_time(film, monkeypatch):
    model = make_model()
    whole = list(score_video(model, film, hop=2))
    for piece in (1, 7, 13):
        monkeypatch.setattr("mmstconv.apis.long_video.PIECE", piece)
        again = list(score_video(model, film, hop=2))
        assert [w[:2] for w in again] == [w[:2] for w in whole]
        a, b = (torch.stack([w.scores for w in side]) for side in (whole, again))
        torch.testing.assert_close(a, b, rtol=0, atol=1e-5)


@pytest.mark.parametrize("hop", [2, 12, 40])
def test_windows_that_overlap_touch_or_leave_gaps(film, hop):
    model = make_model()
    windows = list(score_video(model, film, hop=hop))
    starts = [window.start for window in windows]
    np.testing.assert_allclose(np.diff(starts), hop / FPS)
    assert 9.6 - hop / FPS < windows[-1].end <= 9.6
    check(model, film, windows[:2] + windows[-1:])


def test_a_quarter_of_a_window_by_default(film):
    starts = [window.start for window in score_video(make_model(), film)]
    assert starts[1] == 0.25  # a quarter of 12 frames is 3, whose even part is 2
    starts = [window.start for window in score_video(make_model(padded=True), film)]
    assert starts[1] == 3 / FPS


def test_a_file_without_sound(silent):
    model = make_model()
    windows = list(score_video(model, silent, hop=4))
    check(model, silent, windows)


def test_goes_on_after_what_is_known(film):
    model = make_model()
    whole = list(score_video(model, film, hop=4))
    rest = list(score_video(model, film, hop=4, skip=10))
    assert [w.start for w in rest] == [w.start for w in whole[10:]]
    a, b = (torch.stack([w.scores for w in side]) for side in (whole[10:], rest))
    torch.testing.assert_close(a, b, rtol=0, atol=1e-5)
    assert not list(score_video(model, film, hop=4, skip=17))


def test_shorter_than_a_window(tmp_path):
    path = write_coded(tmp_path / "short.mp4", count=20, fps=25)  # 0.8 s of 1.5
    model = make_model()
    (window,) = score_video(model, path)
    assert (window.start, round(window.end, 6)) == (0, 0.8)
    assert window.scores.equal(predict_video(model, path).pred_score)
    assert not list(score_video(model, path, skip=1))


def test_shorter_than_a_window_through_another_pipeline(tmp_path):
    path = write_coded(tmp_path / "short.mp4", count=20, fps=25)
    model, other = make_model(), make_pipeline(["rgb", "flow", "audio"], "ThreeCrop")
    (asked,) = score_video(model, path, pipeline=other)
    (usual,) = score_video(model, path)
    model.cfg.test_pipeline = other
    assert asked.scores.equal(predict_video(model, path).pred_score)
    assert not asked.scores.equal(usual.scores)
    model.cfg = ConfigDict()  # of a config that has none
    (again,) = score_video(model, path, pipeline=other)
    assert again.scores.equal(asked.scores)


def test_exactly_one_window(tmp_path):
    path = write_coded(tmp_path / "exact.mp4", count=12, fps=8)
    model = make_model()
    (window,) = score_video(model, path)
    assert window.end == 1.5
    check(model, path, [window])


def test_a_late_start(tmp_path):
    times = 0.52 + np.arange(60) / 25
    path = write_coded(tmp_path / "late.mkv", 60, None, frame_times=times)
    model = make_model(("rgb", "flow"))
    windows = list(score_video(model, path, hop=2))
    with open_media(path) as media:
        assert windows[0].start == media.extent[0] > 0.5
    check(model, path, windows)


def test_how_many_windows():
    assert window_count((0, 1.5), 1.5, 0.5) == 1
    assert window_count((0, 1.49), 1.5, 0.5) == 0
    assert window_count((2, 4.49), 1.5, 0.5) == 2
    assert window_count((0, 3600), 32 / 12, 8 / 12) == 5397


@pytest.mark.parametrize("hop", [3, 0, -2, 2.0])
def test_a_hop_that_the_model_cannot_make(film, hop):
    with pytest.raises(ValueError, match=r"hop must be a multiple of 2 frames.*got"):
        score_video(make_model(), film, hop=hop)


def test_a_window_without_a_step(film):
    model = make_model()
    model.cfg.test_pipeline[1].clip_len = 4
    with pytest.raises(ValueError, match="a window of 4 frames leaves no step"):
        score_video(model, film)


def test_pipelines_that_do_not_fit(film):
    model = make_model()
    pipeline = make_pipeline(["rgb", "flow", "audio"])
    with pytest.raises(ValueError, match="one SampleClips"):
        score_video(model, film, pipeline=pipeline[:1] + pipeline[2:])
    flip = dict(type="Flip", flip_ratio=0.5)
    with pytest.raises(ValueError, match="Flip draws at random"):
        score_video(model, film, pipeline=[*pipeline[:3], flip, *pipeline[3:]])
    images = dict(type="LoadFlowImages", directory="{stem}")
    with pytest.raises(ValueError, match="LoadFlowImages read what was extracted"):
        score_video(model, film, pipeline=[*pipeline[:3], images, *pipeline[3:]])
    with pytest.raises(ValueError, match=r"streams for \['audio'\]"):
        score_video(model, film, pipeline=make_pipeline(["rgb", "flow"]))


def test_a_broken_file(tmp_path):
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"\0\0\0\x20ftypisom" + b"\0" * 100)
    with pytest.raises(UnreadableMediaError, match=r"broken\.mp4"):
        list(score_video(make_model(), path))


def push_film(stream, film, frames):
    """Every frame at its time, each after its sound."""
    rate, windows = stream.sample_rate, []
    with open_media(film) as media:
        images = media.frames_at(np.arange(frames) / stream.fps)
        sound = media.waveform(0, frames / stream.fps, rate) if media.has_audio else ()
    heard = 0
    for number, image in enumerate(images):
        until = round(number / stream.fps * rate)
        if len(sound):
            stream.push_sound(sound[heard:until])
        heard = until
        windows.append(stream.push_frame(image))
    return windows


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("modalities", [("rgb", "flow", "audio"), ("flow",)])
def test_a_stream_equals_its_windows(film, modalities, padded):
    """Frames of the stored size; the same file's windows scaled by the same rule."""
    model = make_model(modalities, padded)
    del model.cfg.test_pipeline[2]["short_side"]
    windows = push_film(StreamingRecognizer(model), film, 60)
    scored = [window for window in windows if window is not None]
    stride = 1 if padded else 2
    assert [number for number, w in enumerate(windows) if w is not None] == list(
        range(FRAMES, 60, stride)
    )
    check(model, film, scored)


def test_a_stream_that_begins_again(film):
    stream = StreamingRecognizer(make_model(), hop=6)
    first = push_film(stream, film, 26)
    stream.reset()
    again = push_film(stream, film, 26)
    for a, b in itertools.zip_longest(first, again):
        assert (a is None) == (b is None)
        assert a is None or a.scores.equal(b.scores)
    assert sum(window is not None for window in first) == 3


def test_a_stream_without_sound(silent):
    model = make_model()
    del model.cfg.test_pipeline[2]["short_side"]
    scored = [w for w in push_film(StreamingRecognizer(model), silent, 24) if w]
    check(model, silent, scored)


def test_a_stream_holds_no_more_than_a_window(film):
    stream = StreamingRecognizer(make_model())

    def held():
        scorer = stream.windows.scorer
        maps = [one.maps.shape[2] for one in scorer.maps.values()]
        return *maps, len(stream.media.frames), len(stream.media.sound)

    push_film(stream, film, 30)
    before = held()
    push_film(stream, film, 60)
    assert held() == before


def test_a_stream_cannot_hear_what_comes(film):
    with pytest.raises(ValueError, match=r"context=0\.4"):
        StreamingRecognizer(make_model(context=0.4))
