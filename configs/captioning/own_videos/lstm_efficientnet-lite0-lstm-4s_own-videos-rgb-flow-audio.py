# mim train mmstconv lstm_efficientnet-lite0-lstm-4s_own-videos-rgb-flow-audio.py
# Your own videos: data/videos, and sentences of them in data/training.csv and
# data/validation.csv (file,start,end,text). STREAMS is a checkpoint of clips, the more
# like yours the better: of configs/recognition/finetune/
# efficientnet-lite0-lstm_imagenet_own-videos-rgb-flow-audio.py. Inherit this, say where
# things are (load_from: STREAMS) and how many words there are, then:
# python -m mmstconv list-words data/training.csv --out data/words.txt
# python -m mmstconv cache-steps CONFIG STREAMS
# python -m mmstconv train CONFIG
# python -m mmstconv test CONFIG work_dirs/CONFIG/epoch_30.pth
_base_ = [
    "../../_base_/ema_runtime.py",
    "../../_base_/models/efficientnet_lite0_frozen.py",
    "../../_base_/datasets/own_captions.py",
    "../../_base_/schedules/event_adamw.py",
]

model = dict(
    cached_steps=True,
    modality_dropout=dict(_delete_=True, rgb=0.3, flow=0.3, audio=0.3),
    joint=dict(steps=24, fusion=dict(_delete_=True, type="ConcatFusion")),
    cls_head=dict(
        _delete_=True,
        type="LSTMCaptionHead",
        words="data/words.txt",
        vocabulary_size=5000,
        channels=256,
        embedding=128,
        score_subsets=True,
    ),
)
train_cfg = dict(max_epochs=30, val_interval=30)
default_hooks = dict(checkpoint=dict(interval=30, max_keep_ckpts=1, save_best=None))
