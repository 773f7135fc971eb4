# pip install "mmstconv[language]"
# python -m mmstconv download-weights get smollm2-135m-instruct
# mim train mmstconv prefix-smollm2-frozen_lite0-lstm-4s_own-videos-rgb-flow-audio.py
# Your own videos: data/videos, and sentences of them in data/training.csv and
# data/validation.csv (file,start,end,text). STREAMS is a checkpoint of clips: of
# configs/recognition/finetune/
# efficientnet-lite0-lstm_imagenet_own-videos-rgb-flow-audio.py. Inherit this, say where
# things are (load_from: STREAMS), then:
# python -m mmstconv cache-steps CONFIG STREAMS
# python -m mmstconv train CONFIG
# python -m mmstconv test CONFIG work_dirs/CONFIG/epoch_10.pth
# Joint and prefix learn, the language model stays as it is. Ours: docs/captioning.md.
_base_ = [
    "../../_base_/ema_runtime.py",
    "../../_base_/models/prefix_smollm2_efficientnet_lite0.py",
    "../../_base_/datasets/own_captions.py",
    "../../_base_/schedules/event_adamw.py",
]

train_dataloader = dict(batch_size=16)
train_cfg = dict(max_epochs=10, val_interval=10)
default_hooks = dict(checkpoint=dict(interval=10, max_keep_ckpts=1, save_best=None))
