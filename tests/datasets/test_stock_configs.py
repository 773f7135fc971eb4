"""Any config of MMAction2 may use our parts: real steps through MMEngine's Runner."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from helpers_media import chirp_sound, numbers, write_coded
from mmaction.registry import DATASETS, MODELS, TRANSFORMS
from mmaction.utils import register_all_modules
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.model import BaseTTAModel
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmstconv.media import open_media

register_all_modules(init_default_scope=True)

FRAMES, RATE = 25, 16000
SMALL = dict(type="Resize", scale=(32, 32), keep_ratio=False)
FORMAT = dict(type="FormatShape", input_format="NCTHW")
PACK = dict(type="PackActionInputs")
OPEN = dict(type="OpenMedia")
READ = [OPEN, dict(type="SampleClips", clip_len=4, fps=12), dict(type="LoadFrames")]
STAGES = [dict(channels=4, spatial_pool=dict(mode="max", size=4))]
BACKBONE = dict(type="STConvNet", stages=STAGES)
HEAD = dict(num_classes=2, in_channels=4, average_clips="prob")
HEAD3D = dict(type="I3DHead", **HEAD)
PIXELS = dict(
    type="ActionDataPreprocessor", mean=[128] * 3, std=[64] * 3, format_shape="NCTHW"
)
RECOGNIZER3D = dict(
    type="Recognizer3D",
    backbone=BACKBONE,
    neck=dict(type="LSTMTemporalNeck", in_channels=4, hidden_channels=6),
    cls_head=dict(HEAD3D, in_channels=6),
    data_preprocessor=PIXELS,
)


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope("mmaction")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four videos with sound; their frames as images; a feature of their sound."""
    folder = tmp_path_factory.mktemp("stock")
    lists = dict(video="", frames="", audio="")
    (folder / "audio").mkdir()
    (folder / "video").mkdir()
    for number in range(4):
        label = number % 2
        sound = chirp_sound(1.0, 0.2, RATE)
        write_coded(folder / "video" / f"{number}.mp4", FRAMES, 25, width=64, height=48,
                    waveform=sound, sample_rate=RATE)  # fmt: skip
        images = folder / "frames" / f"{number}"
        images.mkdir(parents=True)
        with open_media(folder / "video" / f"{number}.mp4") as media:
            for index, frame in enumerate(media.frames_at(np.arange(FRAMES) / 25), 1):
                cv2.imwrite(str(images / f"img_{index:05}.jpg"), frame[..., ::-1])
        mel = np.random.default_rng(number).normal(label, 1, (50, 16))
        np.save(folder / "audio" / f"{number}.npy", mel.astype(np.float32))
        lists["video"] += f"{number}.mp4 {label}\n"
        lists["frames"] += f"{number} {FRAMES} {label}\n"
        lists["audio"] += f"{number}.npy {FRAMES} {label}\n"
    for name, text in lists.items():
        (folder / f"{name}.txt").write_text(text)
    return folder


def dataset(folder, pipeline, kind="VideoDataset", **kwargs):
    name = {"VideoDataset": "video", "RawframeDataset": "frames"}.get(kind, "audio")
    key = dict(video="video", frames="img", audio="audio")[name]
    return dict(
        type=kind,
        ann_file=str(folder / f"{name}.txt"),
        data_prefix={key: str(folder / name)},
        pipeline=pipeline,
        **kwargs,
    )


def run(tmp_path, model, data, **options):
    """One epoch of training and a validation; the runner."""
    loader = dict(
        batch_size=2,
        num_workers=0,
        sampler=dict(type="DefaultSampler", shuffle=False),
        dataset=data,
    )
    cfg = dict(
        custom_imports=dict(imports=["mmstconv"]),
        default_scope="mmaction",
        model=model,
        train_dataloader=loader,
        val_dataloader=dict(loader, dataset=dict(data, test_mode=True)),
        optim_wrapper=dict(optimizer=dict(type="SGD", lr=0.05)),
        train_cfg=dict(by_epoch=True, max_epochs=1),
        val_cfg=dict(),
        val_evaluator=[dict(type="AccMetric", metric_options=TOP1)],
        default_hooks=dict(checkpoint=None),
        work_dir=str(tmp_path),
        log_level="WARNING",
        **options,
    )
    cfg = Config(cfg)
    object.__setattr__(cfg, "_format_python_code", False)  # yapf takes long
    runner = Runner.from_cfg(cfg)
    before = {name: p.clone() for name, p in runner.model.named_parameters()}
    runner.train()
    same = [n for n, p in runner.model.named_parameters() if p.equal(before[n])]
    # what is not there for zero gradients: those biases that a norm follows
    assert len(same) < len(before) / 2, same
    assert 0 <= runner.message_hub.get_scalar("val/acc/top1").current() <= 1
    return runner


TOP1 = dict(top_k_accuracy=dict(topk=(1,)))


def inputs(folder, pipeline, kind="VideoDataset", index=0, **kwargs):
    packed = DATASETS.build(dataset(folder, pipeline, kind, **kwargs))[index]
    return packed["inputs"]


def shown(clips):
    """The numbers of frames ``(M, 3, T, H, W)``."""
    return [numbers([f.numpy() for f in clip.permute(1, 2, 3, 0)]) for clip in clips]


def reader(clip_len=4, **kwargs):
    sample = dict(type="SampleClips", clip_len=clip_len, fps=25, test_mode=True)
    return [OPEN, dict(sample, **kwargs), dict(type="LoadFrames")]


def test_our_reader_before_format_shape(folder):
    """T frames of each clip, crops outermost, as from MMAction2's own decoders."""
    clips = inputs(folder, [*reader(num_clips=2), FORMAT, PACK])
    assert clips.shape == (2, 3, 4, 48, 64)
    for first, *rest in shown(clips):
        assert rest == [first + 1, first + 2, first + 3]
    crops = [*reader(num_clips=2), dict(type="ThreeCrop", crop_size=48), FORMAT, PACK]
    assert inputs(folder, crops).shape == (6, 3, 4, 48, 48)
    # One frame a clip: MMEngine would not notice twice as many.
    flat = dict(type="FormatShape", input_format="NCHW")
    single = inputs(folder, [*reader(1, num_clips=3), flat, PACK])
    assert single.shape == (3, 3, 48, 64)
    starts = [first[0] for first in shown(single[:, :, None])]
    assert starts == sorted(set(starts))


def test_a_single_modality_is_a_plain_tensor(folder):
    sound = [dict(type="LoadWaveform"), dict(type="LogMel", n_mels=16)]
    for name, steps, shape in (
        ("rgb", [], (2, 3, 4, 48, 64)),
        ("flow", [dict(type="ComputeFlow")], (2, 2, 4, 48, 64)),
        ("audio", sound, (2, 1, 17, 16)),  # as RecognizerAudio takes it
    ):
        form = dict(type="FormatClips", modalities=[name])
        packed = inputs(folder, [*reader(num_clips=2), *steps, form, PACK])
        assert packed.shape == shape, name
    several = dict(type="FormatClips", modalities=["rgb", "audio"])
    pack = dict(PACK, collect_keys=["rgb", "audio"])
    packed = inputs(folder, [*reader(), *sound, several, pack])
    assert packed["rgb"].shape == (1, 3, 4, 48, 64)
    assert packed["audio"].shape == (1, 16, 17)


@pytest.mark.parametrize("last", ["FormatShape", "FormatClips"])
def test_recognizer3d(folder, tmp_path, last):
    """With our backbone, our neck, MMAction2's head, and either formatter."""
    ours = dict(type="FormatClips", modalities=["rgb"])
    form = FORMAT if last == "FormatShape" else ours
    runner = run(tmp_path, RECOGNIZER3D, dataset(folder, [*READ, SMALL, form, PACK]))
    assert type(runner.model.neck).__name__ == "LSTMTemporalNeck"


def test_recognizer2d(folder, tmp_path):
    model = dict(
        type="Recognizer2D",
        backbone=dict(type="ResNet", depth=18, norm_eval=False),
        cls_head=dict(type="TSNHead", **dict(HEAD, in_channels=512)),
        data_preprocessor=dict(PIXELS, format_shape="NCHW"),
    )
    steps = [OPEN, dict(type="SampleClips", clip_len=1, fps=25, num_clips=3)]
    steps += [dict(type="LoadFrames"), SMALL]
    form = dict(type="FormatShape", input_format="NCHW")
    run(tmp_path, model, dataset(folder, [*steps, form, PACK]))


STAGE = dict(channels=4, kernel_size=3)
SOUND = dict(
    AudioConvNet=dict(type="AudioConvNet", in_channels=16, stages=[STAGE]),
    MelConvNet=dict(type="MelConvNet", n_mels=16, stages=[STAGE]),
)
FEATURES = [
    dict(type="LoadAudioFeature"),
    dict(type="SampleFrames", clip_len=8),
    dict(type="AudioFeatureSelector", fixed_length=32),
    dict(type="FormatAudioShape", input_format="NCTF"),
    PACK,
]
MEL = [
    *READ[:2],
    dict(type="LoadWaveform"),
    dict(type="LogMel", n_mels=16),
    dict(type="FormatClips", modalities=["audio"]),
    PACK,
]


@pytest.mark.parametrize("name", SOUND)
def test_recognizer_audio(folder, tmp_path, name):
    """On MMAction2's extracted features and on the sound of our reader."""
    model = dict(
        type="RecognizerAudio",
        backbone=SOUND[name],
        cls_head=dict(type="TSNAudioHead", **HEAD),
    )
    run(tmp_path, model, dataset(folder, FEATURES, "AudioDataset"))
    run(tmp_path, model, dataset(folder, MEL))


def test_a_waveform_for_recognizer_audio(folder, tmp_path):
    model = dict(
        type="RecognizerAudio",
        backbone=dict(
            type="AudioConvNet",
            in_channels=1,
            stages=[dict(channels=4, kernel_size=80, stride=40)],
        ),
        cls_head=dict(type="TSNAudioHead", **HEAD),
    )
    form = dict(type="FormatClips", modalities=["audio"])
    sound = [*READ[:2], dict(type="LoadWaveform"), dict(type="RawAudio"), form, PACK]
    run(tmp_path, model, dataset(folder, sound))


@pytest.mark.parametrize("name", SOUND)
def test_a_picture_of_sound_is_the_same_sound(name):
    torch.manual_seed(0)
    net = MODELS.build(SOUND[name]).eval()
    sound = torch.randn(2, 16, 20)
    picture = net(sound[:, None].swapaxes(2, 3))  # (2, 1, 20, 16)
    assert torch.equal(picture[..., 0], net(sound)) and picture.shape[3] == 1
    with pytest.raises(ValueError, match=rf"{name}: expected \(N, 16, L\)"):
        net(torch.randn(2, 1, 20, 15))


TWO = ["rgb", "flow"]
PACK_TWO = dict(PACK, collect_keys=TWO, meta_keys=["presence"])
DERIVE = [
    SMALL,
    dict(type="Flip", flip_ratio=0.5),
    dict(type="ComputeFlow"),
    dict(type="FormatClips", modalities=TWO),
    PACK_TWO,
]
TRIMODAL = dict(
    type="TriModalRecognizer",
    streams={name: dict(backbone=dict(BACKBONE, in_channels=channels))
             for name, channels in dict(rgb=3, flow=2).items()},
    cls_head=dict(
        type="TriModalFusionHead", num_classes=2
    ),
    data_preprocessor=dict(
        type="TriModalDataPreprocessor",
        preprocessors=dict(
            rgb=PIXELS,
            flow=dict(type="ActionDataPreprocessor", format_shape="NCTHW"),
        ),
    ),
)  # fmt: skip
DECODERS = dict(
    decord=("DecordInit", "DecordDecode"),
    pyav=("PyAVInit", "PyAVDecode"),
    opencv=("OpenCVInit", "OpenCVDecode"),
)


def decoder(name, **sampling):
    first, last = DECODERS[name]
    sample = dict(type="SampleFrames", **{"clip_len": 5, **sampling})
    return [dict(type=first), sample, dict(type=last)]


@pytest.mark.parametrize("name", DECODERS)
def test_mmaction2s_decoders_before_our_flow(folder, tmp_path, name):
    """As many frames as steps of flow; a clip's last frame is used up."""
    steps = [dict(type="ComputeFlow"), dict(type="FormatClips", modalities=TWO)]
    test = decoder(name, num_clips=2, test_mode=True)
    stock = inputs(folder, [*test, *steps, PACK_TWO])
    assert stock["rgb"].shape == (2, 3, 4, 48, 64)
    assert stock["flow"].shape == (2, 2, 4, 48, 64)
    (first, *_), (last, *_) = shown(stock["rgb"])
    assert (first, last) == (0, FRAMES - 5)
    # The same flow as from our reader on the same frames, but for the decoder.
    ours = inputs(folder, [*reader(num_clips=1), *steps, PACK_TWO])
    one = inputs(folder, [*decoder(name, test_mode=True), *steps, PACK_TWO])
    assert shown(one["rgb"]) == shown(ours["rgb"])
    assert (one["flow"] - ours["flow"]).abs().mean() < 0.05 * ours["flow"].abs().mean()
    alone = [*test, dict(type="FormatClips", modalities=["rgb"]), PACK]
    assert inputs(folder, alone).shape == (2, 3, 5, 48, 64)  # none is left out
    if name == "decord":
        run(tmp_path, TRIMODAL, dataset(folder, [*decoder(name), *DERIVE]))


def test_no_flow_where_mmaction2s_clip_starts_again(folder):
    loop = decoder("decord", clip_len=5, frame_interval=10, test_mode=True)
    form = dict(type="FormatClips", modalities=TWO)
    packed = inputs(folder, [*loop, dict(type="ComputeFlow"), form, PACK_TWO])
    (order,) = shown(packed["rgb"])
    moves = packed["flow"].abs().flatten(3).sum((0, 1, 3)) > 0
    assert order[:3] == [0, 10, 20] and order[3] < 20  # 30 begins again
    assert moves.tolist() == [True, True, False, True]


def test_our_transforms_behind_rawframe_dataset(folder, tmp_path):
    steps = [dict(type="SampleFrames", clip_len=5), dict(type="RawFrameDecode")]
    data = dataset(folder, [*steps, *DERIVE], "RawframeDataset")
    packed = inputs(folder, [*steps, *DERIVE], "RawframeDataset")
    assert {k: tuple(v.shape) for k, v in packed.items()} == dict(
        rgb=(1, 3, 4, 32, 32), flow=(1, 2, 4, 32, 32)
    )
    run(tmp_path, TRIMODAL, data)


MISSING = [
    ([OPEN, READ[2]], "LoadFrames needs 'frame_times'; put SampleClips"),
    ([dict(type="SampleClips", clip_len=4, fps=9)], "'media'; put OpenMedia"),
    ([dict(type="ComputeFlow")], "ComputeFlow needs 'imgs'; put LoadFrames or a dec"),
    ([dict(type="LogMel")], "LogMel needs 'waveform'; put LoadWaveform"),
    ([dict(type="RawAudio")], "RawAudio needs 'waveform'; put LoadWaveform"),
    ([*decoder("decord"), dict(type="LoadWaveform")], "'media'; put OpenMedia"),
    (
        [*decoder("decord"), dict(type="FormatClips", modalities=["flow"])],
        "FormatClips needs 'flow'; put ComputeFlow",
    ),
    (
        [*decoder("decord"), dict(type="FormatClips", modalities=["audio"])],
        "FormatClips needs 'audio'; put LogMel or RawAudio",
    ),
    (
        [*decoder("decord"), FORMAT, dict(type="ComputeFlow")],
        "put it before FormatShape",
    ),
    (
        [*decoder("decord"), FORMAT, dict(type="FormatClips", modalities=["rgb"])],
        "takes the place of FormatShape",
    ),
    (
        [*decoder("decord", clip_len=1), dict(type="ComputeFlow")],
        "ask SampleFrames for one frame more",
    ),
    (
        [
            *decoder("decord"),
            dict(type="FormatClips", modalities=["rgb"], keep_last_frame=True),
        ],
        "put SampleClips before it",
    ),
    (
        [*decoder("decord"), dict(type="LoadFlowImages", directory="flow/{stem}")],
        "LoadFlowImages needs 'media'; put OpenMedia",
    ),
    (
        [dict(type="LoadClipAudioFeature", path="{stem}.npy", rate=50)],
        "LoadClipAudioFeature needs 'clip_starts'; put SampleClips",
    ),
    ([dict(type="SplitFlowImages")], "needs 'flow_images'; put LoadFlowImages"),
]


def test_what_a_stock_pipeline_lacks_is_named(folder):
    """One error that names the transform that must stand before."""
    for steps, message in MISSING:
        with pytest.raises((KeyError, ValueError)) as error:
            inputs(folder, steps)
        assert message in str(error.value), steps


@MODELS.register_module()
class MeanOfWays(BaseTTAModel):
    """Test-time augmentation as MMEngine has it: the mean of the ways' scores."""

    def merge_preds(self, data_samples_list):
        merged = []
        for ways in data_samples_list:
            scores = torch.stack([way.pred_score for way in ways])
            merged.append(ways[0].clone().set_pred_score(scores.mean(0)))
        return merged


FLIPS = [dict(type="Flip", flip_ratio=0), dict(type="Flip", flip_ratio=1)]


def test_test_time_augmentation(folder, tmp_path):
    """``TestTimeAug`` copies what it is given: an open file is opened once more."""
    load = [dict(type="SampleClips", clip_len=4, fps=fps, test_mode=True)
            for fps in (12, 25)]  # fmt: skip
    late = [*reader(), dict(type="TestTimeAug", transforms=[FLIPS, [FORMAT], [PACK]])]
    early = [
        OPEN,
        dict(
            type="TestTimeAug",
            transforms=[load, [READ[2]], FLIPS, [FORMAT], [PACK]],
        ),
    ]
    plain, turned = inputs(folder, late)
    assert torch.equal(plain, inputs(folder, [*reader(), FORMAT, PACK]))
    assert torch.equal(turned, plain.flip(-1))
    ways = inputs(folder, early)
    for way, steps in zip(ways, [(0, 0), (0, 1), (1, 0), (1, 1)]):
        parts = [OPEN, load[steps[0]], READ[2], FLIPS[steps[1]], FORMAT, PACK]
        assert torch.equal(way, inputs(folder, parts))

    data = dict(dataset(folder, [*READ, SMALL, FORMAT, PACK]))
    runner = run(tmp_path, RECOGNIZER3D, data)
    small = [*late[:-1], SMALL, late[-1]]
    loader = dict(
        runner.cfg.val_dataloader,
        dataset=dict(dataset(folder, small, test_mode=True)),
    )
    model = MeanOfWays(runner.model)
    (batch,) = list(Runner.build_dataloader(loader))[:1]
    fused = model.test_step(batch)
    for row, sample in enumerate(fused):
        scores = [
            runner.model.test_step(
                dict(inputs=[batch["inputs"][way][row]],
                     data_samples=[batch["data_samples"][way][row]])
            )[0].pred_score
            for way in range(2)
        ]  # fmt: skip
        torch.testing.assert_close(sample.pred_score, sum(scores) / 2)


def test_damage_and_failure_go_through_augmentation(folder, tmp_path):
    """Our data set notes them on each of the ways."""
    whole = (folder / "video" / "0.mp4").read_bytes()
    (tmp_path / "text.mp4").write_text("no film\n" * 50)
    (tmp_path / "fine.mp4").write_bytes(whole)
    (tmp_path / "video.txt").write_text("text.mp4 0\nfine.mp4 1\n")
    tta = dict(type="TestTimeAug", transforms=[FLIPS, [FORMAT], [PACK]])
    data = DATASETS.build(
        dict(
            type="MultiModalVideoDataset",
            ann_file=str(tmp_path / "video.txt"),
            data_prefix=dict(video=str(tmp_path)),
            pipeline=[*reader(), Noted(), tta],
            test_mode=True,
        )
    )
    data.tolerate(3)
    bad, fine = data[0], data[1]
    for sample in bad["data_samples"]:
        assert "failure" in sample and sample.filename.endswith("text.mp4")
    for sample in fine["data_samples"]:
        assert "failure" not in sample and sample.damage == ["a scratch"]


class Noted:
    """Stands for what a reader has found."""

    def __call__(self, results):
        if not results.get("failure"):
            results["damage"].append("a scratch")
        return results


def test_blank_files_can_be_copied(folder):
    results = dict(filename="gone.mp4", failure="is gone", modality="RGB")
    steps = [*reader(), dict(type="TestTimeAug", transforms=[FLIPS, [FORMAT], [PACK]])]
    packed = Compose([TRANSFORMS.build(step) for step in steps])(results)
    assert [tuple(one.shape) for one in packed["inputs"]] == [(1, 3, 4, 256, 256)] * 2
