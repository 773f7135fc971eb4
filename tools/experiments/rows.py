"""The rows of docs/accuracy.md: ours, and MMAction2's recognizers from scratch."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.config import Config
from recipes import CONFIGS, Row

from mmstconv.pipelines import frames_at

SCRATCH = "recognition/stconvnet/stlite_lstm_own-videos-rgb-flow-audio.py"
PRETRAINED = (
    "recognition/finetune/efficientnet-lite0-lstm_imagenet_own-videos-rgb-flow-audio.py"
)
SOUNDNET = (
    "recognition/finetune/"
    "stlite-soundnet8-lstm_soundnet-step_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py"
)
TOGETHER = {
    "model.joint.fusion": dict(_delete_=True, type="GatedMultimodalUnit"),
    "model.cls_head.loss_weight": 1.0,
    "model.cls_head.train_without": ["audio"],
    "model.modality_dropout": dict(_delete_=True, audio=0.5),
}
# The source article's optimizer; its rate falls where that was best here.
ADAM = dict(
    schedule="_base_/schedules/adam_step.py",
    options={
        "param_scheduler.0.milestones": [35, 45],  # of 50 epochs
        "auto_scale_lr.base_batch_size": 16,
    },
)
PRETRAINED_ADAM = dict(
    schedule=ADAM["schedule"],
    options={**ADAM["options"], "param_scheduler.0.milestones": [25, 40]},
)
# MMAction2's recipes for TSN, TSM and I3D start from ImageNet weights, C3D's from
# Sports-1M; its learning rate from scratch is SlowOnly's.
FROM_SCRATCH = {"optim_wrapper.optimizer.lr": 0.2, "auto_scale_lr.base_batch_size": 128}
TSN = "recognition/tsn/tsn_imagenet-pretrained-r50_8xb32-1x1x3-100e_kinetics400-rgb.py"
TSM = "recognition/tsm/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_kinetics400-rgb.py"
I3D = "recognition/i3d/i3d_imagenet-pretrained-r50_8xb8-32x2x1-100e_kinetics400-rgb.py"
SLOWONLY = "recognition/slowonly/slowonly_r50_8xb16-4x16x1-256e_kinetics400-rgb.py"
C3D = "recognition/c3d/c3d_sports1m-pretrained_8xb30-16x1x1-45e_ucf101-rgb.py"
# Tran et al. 2015, section 3.1: from scratch on UCF101, batch 30
C3D_ARTICLE = {
    "optim_wrapper.optimizer.lr": 3e-3,
    "auto_scale_lr.base_batch_size": 30,
}
NO_WEIGHTS = {"model.backbone.pretrained2d": False}
R18 = {"model.backbone.depth": 18, "model.cls_head.in_channels": 512}


def peer(what: str, base: str, epochs: int, **more) -> Row:
    """A recognizer of MMAction2 from random weights; dotted keys are options."""
    options = {key: more.pop(key) for key in list(more) if "." in key}
    return Row(what, base, epochs, peer=True, amp=True, options=options, **more)


def ours(
    name: str,
    what: str,
    base: str,
    epochs: int,
    *,
    alone: Sequence[str] = ("rgb", "flow", "audio"),
    **more,
) -> dict[str, Row]:
    """A config on ten classes, on four, and some of its streams alone on four."""
    more.update(amp=True)
    rows = {
        name: Row(what, base, epochs, **more),
        f"{name}_sound4": Row(what, base, epochs, lists="_sound4", **more),
    }
    for stream in alone:
        rows[f"{name}_{stream}_sound4"] = Row(
            f"its {stream} stream, trained for itself",
            base,
            epochs,
            lists="_sound4",
            streams=(stream,),
            **more,
        )
    return rows


def soundnet() -> dict:
    """The sound stream of the config with SoundNet-8, from the installed package."""
    cfg = Config.fromfile(CONFIGS / SOUNDNET)
    stream = cfg.model.streams.audio.to_dict()
    stream["init_cfg"]["checkpoint"] = "package::soundnet8_conv6"
    sound = cfg.model.data_preprocessor.preprocessors.audio.to_dict()
    return dict(
        steps={name: cfg.steps[name].to_dict() for name in ("sound", "audio")},
        options={
            "model.streams.audio": dict(stream, _delete_=True),
            "model.data_preprocessor.preprocessors.audio": sound,
        },
    )


def augmented(size: int) -> dict:
    """Steps of frames with geometry and colours at random, not colours alone."""
    frames = frames_at(size, colours=False)
    drawn = dict(type="ClipRandAugment", num_ops=2, magnitude=7)
    frames["train"]["frames"].append(drawn)
    return frames


def averaging() -> dict:
    """The hook that averages weights, from its config."""
    return Config.fromfile(
        CONFIGS / "_base_/ema_runtime.py"
    ).default_hooks.ema.to_dict()


def scratch(what: str, epochs: int = 40, *, options: dict | None = None, **more) -> Row:
    """The config from scratch with the article's optimizer and another change."""
    options = {**ADAM["options"], **(options or {})}
    return Row(what, SCRATCH, epochs, amp=True, **{**ADAM, "options": options}, **more)


ROWS = {
    **ours("scratch", "from scratch: the own-folder config of stlite", SCRATCH, 80),
    **ours("scratch_40", "half as many epochs", SCRATCH, 40),
    **ours(
        "scratch_soundnet",
        "sound from SoundNet-8",
        SCRATCH,
        40,
        alone=["audio"],
        **soundnet(),
    ),
    **ours(
        "scratch_specaugment",
        "stripes of the spectrogram hidden",
        SCRATCH,
        40,
        alone=["audio"],
        steps=dict(train=dict(spec=dict(type="SpecAugment", masks=2))),
    ),
    **ours(
        "scratch_randaugment",
        "RandAugment in the place of changes of colour",
        SCRATCH,
        40,
        alone=["rgb"],
        steps=augmented(96),
    ),
    **ours(
        "scratch_averaged",
        "weights averaged over the last steps",
        SCRATCH,
        40,
        alone=[],
        options={"default_hooks.ema": averaging()},
    ),
    "scratch_fps6": Row(
        "clips of twice the seconds: 6 frames each",
        SCRATCH,
        40,
        amp=True,
        steps=dict(clip=dict(fps=6)),
    ),
    "scratch_together": Row(
        "streams that learn together, gated", SCRATCH, 40, amp=True, options=TOGETHER
    ),
    **ours("scratch_adam", "Adam and steps: the article's", SCRATCH, 40, **ADAM),
    **ours("pretrained", "RGB from ImageNet: the own-folder config", PRETRAINED, 20),
    **ours("pretrained_adam", "Adam and steps", PRETRAINED, 20, **PRETRAINED_ADAM),
    "scratch_adam_together": scratch(
        "Adam and steps, streams that learn together, gated", options=TOGETHER
    ),
    "scratch_adam_112": scratch(
        "Adam and steps, 112 pixels, flow of 56",
        steps=dict(flow=dict(shrink=2, bound=10.0), **frames_at(112)),
    ),
    "scratch_adam_unmixed": scratch(
        "Adam and steps, neither mixup, CutMix nor label smoothing, 30 epochs",
        30,
        options={
            "model.data_preprocessor.blending": None,
            "model.cls_head.label_smooth_eps": 0.0,
        },
    ),
    "pretrained_adam_mixed": Row(
        "Adam and steps, mixup, CutMix and label smoothing",
        PRETRAINED,
        20,
        amp=True,
        schedule=PRETRAINED_ADAM["schedule"],
        options={
            **PRETRAINED_ADAM["options"],
            "model.data_preprocessor.blending": dict(
                type="MultiModalBlending", mixup_alpha=0.8, cutmix_alpha=1.0, prob=0.5
            ),
            "model.cls_head.label_smooth_eps": 0.1,
        },
    ),
    "pretrained_last_stages": Row(
        "the last three stages of RGB train, 112 pixels, flow of 56",
        PRETRAINED,
        20,
        amp=True,
        options={
            "model.streams.rgb.backbone.frozen_stages": 6,
            "optim_wrapper.paramwise_cfg.custom_keys": {
                "streams.rgb.backbone": dict(lr_mult=0.1)
            },
        },
        steps=dict(flow=dict(shrink=2), **frames_at(112)),
    ),
    "tsn_r18": peer("TSN, ResNet-18, 3 frames", TSN, 46, **R18, **FROM_SCRATCH),
    "tsm_r18": peer(
        "TSM, ResNet-18, 8 frames", TSM, 20, **R18, **FROM_SCRATCH, **NO_WEIGHTS
    ),
    "x3d_s": peer(
        "X3D-S, 8 frames at 96 x 96",
        SLOWONLY,
        13,
        model="_base_/models/x3d.py",
        frames=dict(clip_len=8, frame_interval=10),
        size=96,
        **{"optim_wrapper.optimizer.weight_decay": 5e-5},
    ),
    "slowonly_r50": peer("SlowOnly, ResNet-50, 4 frames", SLOWONLY, 17),
    "resnet3d_18": peer(
        "ResNet3d-18, 16 frames",
        I3D,
        26,
        frames=dict(clip_len=16, frame_interval=4),
        **{"model.backbone.inflate": (1, 1, 1, 1)},
        **R18,
        **FROM_SCRATCH,
        **NO_WEIGHTS,
    ),
    "c3d": peer("C3D, 16 frames", C3D, 4, batch=30, **C3D_ARTICLE),
    "tsn_r18_finetuning_lr": peer("TSN, its learning rate as it is", TSN, 46, **R18),
    "tsn_r50": peer("TSN, ResNet-50, 3 frames", TSN, 20, **FROM_SCRATCH),
}
