# python tools/demo_tasks.py
# makes the data, work_dirs/demo_tasks/streams.pth (the streams of `make demo`) and the
# cache of its steps, then trains this. By hand, with these files there:
# mim train mmstconv pyramid_stconvnet-lstm_demo-events-rgb-flow-audio.py
# An event is a motion, a glide or both: no modality alone knows its class.
_base_ = [
    "../../_base_/ema_runtime.py",
    "../../_base_/models/pyramid_demo.py",
    "../../_base_/datasets/demo_events.py",
    "../../_base_/schedules/event_adamw.py",
]

load_from = "work_dirs/demo_tasks/streams.pth"
train_cfg = dict(max_epochs=12, val_interval=12)
default_hooks = dict(checkpoint=dict(interval=4, max_keep_ckpts=1, save_best=None))
randomness = dict(seed=0)
