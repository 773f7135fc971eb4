# mim train mmstconv stlite_lstm_own-videos-rgb-flow-audio.py --amp
# The small network from scratch, for a folder of videos of one's own; from ImageNet
# weights (../finetune/efficientnet-lite0-lstm_imagenet_own-videos-rgb-flow-audio.py)
# some hundred videos teach more. Inherit it, say how many classes there are
# (model.cls_head.num_classes, also for the data sets) and, if they are elsewhere, where
# the files are. The recipe is that of docs/accuracy.md.
_base_ = ["./stlite_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py"]

from mmstconv.pipelines import change_steps

colours = dict(
    type="ColorJitter", brightness=0.2, contrast=0.2, saturation=0.2, hue=0.05
)
change_steps(
    _base_,
    frames=[
        dict(type="LoadFrames", short_side=110),
        dict(type="CenterCrop", crop_size=96),
    ],
    sound=dict(context=2.0),  # a second before and after
    train=dict(
        frames=[
            dict(type="RandomResizedCrop", area_range=(0.4, 1.0), lazy=True),
            dict(type="Resize", scale=(96, 96), keep_ratio=False, lazy=True),
            dict(type="Flip", flip_ratio=0.5, lazy=True),
            dict(type="LoadFrames"),
            colours,
        ]
    ),
)
# Mixup or CutMix of half of the batches, the same for all modalities.
model = dict(
    data_preprocessor=dict(
        blending=dict(
            type="MultiModalBlending", mixup_alpha=0.8, cutmix_alpha=1.0, prob=0.5
        )
    ),
    cls_head=dict(label_smooth_eps=0.1),
)
param_scheduler = [
    dict(type="MultiStepLR", by_epoch=True, milestones=[28, 36], gamma=0.1)
]
train_cfg = dict(max_epochs=40)

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
