# python tools/demo_tasks.py
# makes the data, work_dirs/demo_captions/streams.pth (the streams of `make demo`, of
# which the RGB one has learned shapes, too: stconvnet-lstm_demo-seen-rgb.py) and the
# cache of its steps, then trains this. By hand, with these files there:
# mim train mmstconv lstm_stconvnet-lstm_demo-captions-rgb-flow-audio.py
# A sentence of what moves, which way, and what is heard before or after that.
_base_ = [
    "../../_base_/ema_runtime.py",
    "../../_base_/models/stconvnet_demo.py",
    "../../_base_/datasets/demo_captions.py",
    "../../_base_/schedules/event_adamw.py",
]

model = dict(
    cached_steps=True,
    # so that each subset of the modalities is known, too
    modality_dropout=dict(rgb=0.25, flow=0.25, audio=0.25),
    cls_head=dict(
        _delete_=True,
        type="LSTMCaptionHead",
        words="data/demo_captions/words.txt",
        vocabulary_size=32,
        max_length=16,
        # what cannot be said of a file without sound
        needs=dict(audio=["before", "after", "rising", "falling", "tone", "sounds"]),
        score_subsets=True,
    ),
)
load_from = "work_dirs/demo_captions/streams.pth"
# Order is the last thing that is learned: it wants a high rate.
optim_wrapper = dict(optimizer=dict(lr=8e-3))
train_cfg = dict(max_epochs=50, val_interval=50)
default_hooks = dict(checkpoint=dict(interval=25, max_keep_ckpts=1, save_best=None))
randomness = dict(seed=0)
