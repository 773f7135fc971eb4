# mim train mmstconv stlite_lstm_own-videos-rgb-flow-audio.py
# The small network from scratch, for a folder of videos of one's own; from ImageNet
# weights (../finetune/efficientnet-lite0-lstm_imagenet_own-videos-rgb-flow-audio.py)
# some hundred videos teach more. Inherit it, say how many classes there are
# (model.cls_head.num_classes, also for the data sets) and, if they are elsewhere, where
# the files are. The recipe is that of docs/accuracy.md.
_base_ = [
    "../../_base_/default_runtime.py",
    "../../_base_/models/stlite_trimodal.py",
    "../../_base_/datasets/own_videos.py",
    "../../_base_/schedules/adamw_cosine.py",
]

from mmstconv.pipelines import change_steps, frames_at

change_steps(_base_, flow=dict(shrink=2, bound=10.0), **frames_at(96))
# Mixup or CutMix of half of the batches, the same for all modalities.
model = dict(
    data_preprocessor=dict(
        preprocessors=dict(flow=dict(std=[10.0, 10.0])),
        blending=dict(
            type="MultiModalBlending", mixup_alpha=0.8, cutmix_alpha=1.0, prob=0.5
        ),
    ),
    cls_head=dict(label_smooth_eps=0.1),
)
train_cfg = dict(max_epochs=80)
auto_scale_lr = dict(enable=True)
