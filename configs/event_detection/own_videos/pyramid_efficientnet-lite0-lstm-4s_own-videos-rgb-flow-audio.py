# mim train mmstconv pyramid_efficientnet-lite0-lstm-4s_own-videos-rgb-flow-audio.py
# Your own untrimmed videos: data/videos and data/events.json, or what
# tools/data/join_clips.py makes of clips. STREAMS is a checkpoint of clips of the same
# classes: of configs/recognition/finetune/
# efficientnet-lite0-lstm_imagenet_own-videos-rgb-flow-audio.py. Inherit this, say
# num_classes (model.cls_head) and where things are (load_from: STREAMS), then:
# python -m mmstconv cache-steps CONFIG STREAMS
# python -m mmstconv train CONFIG
# python -m mmstconv test CONFIG work_dirs/CONFIG/epoch_10.pth
# python -m mmstconv detect CONFIG work_dirs/CONFIG/epoch_10.pth FILE --figure
# Ours: docs/event_detection.md.
_base_ = [
    "../../_base_/ema_runtime.py",
    "../../_base_/models/pyramid_efficientnet_lite0.py",
    "../../_base_/datasets/own_events.py",
    "../../_base_/schedules/event_adamw.py",
]

train_cfg = dict(max_epochs=10, val_interval=10)
default_hooks = dict(checkpoint=dict(interval=10, max_keep_ckpts=1, save_best=None))
