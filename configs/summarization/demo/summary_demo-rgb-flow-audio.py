# python tools/demo_tasks.py
# makes the data, work_dirs/demo_tasks/streams.pth (the streams of `make demo`) and the
# cache of its steps, then trains this. By hand, with these files there:
# python -m mmstconv cache-steps CONFIG work_dirs/demo_tasks/streams.pth
# mim train mmstconv summary_demo-rgb-flow-audio.py
# What matters is an object that goes up and a tone that rises, both at once most.
_base_ = [
    "../../_base_/ema_runtime.py",
    "../../_base_/models/stconvnet_demo.py",
    "../../_base_/datasets/demo_summaries.py",
    "../../_base_/schedules/adam_step.py",
]

model = dict(
    cached_steps=True,
    # so that each subset of the modalities is known, too
    modality_dropout=dict(rgb=0.3, flow=0.3, audio=0.3),
    # importance is 1 to 4
    cls_head=dict(
        _delete_=True,
        type="SummaryHead",
        dropout_ratio=0.3,
        levels=4,
        score_subsets=True,
    ),
)
load_from = "work_dirs/demo_tasks/streams.pth"
param_scheduler = [dict(type="MultiStepLR", by_epoch=True, milestones=[150], gamma=0.1)]
train_cfg = dict(max_epochs=200, val_interval=20)
default_hooks = dict(
    checkpoint=dict(
        interval=20, max_keep_ckpts=1, save_best="summary/rho", rule="greater"
    )
)
randomness = dict(seed=0)
