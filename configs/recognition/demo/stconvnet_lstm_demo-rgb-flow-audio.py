# mim train mmstconv stconvnet_lstm_demo-rgb-flow-audio.py
# Two colours x two motions x two glides: each stream knows one factor or two, all
# three together know the class. its children in this folder use fewer streams.
_base_ = [
    "../../_base_/default_runtime.py",
    "../../_base_/models/stconvnet_demo.py",
    "../../_base_/datasets/demo.py",
    "../../_base_/schedules/adam_step.py",
]

# 320 clips: more steps of fewer samples than the base schedule's
param_scheduler = [dict(type="MultiStepLR", by_epoch=True, milestones=[8], gamma=0.1)]
train_cfg = dict(max_epochs=10, val_interval=10)
default_hooks = dict(checkpoint=dict(interval=5, max_keep_ckpts=1, save_best=None))
randomness = dict(seed=0)
