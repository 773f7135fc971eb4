# python tools/demo_tasks.py
# makes the data, work_dirs/demo_tasks/streams.pth (the streams of `make demo`) and the
# cache of its steps, then trains this, and joins it with the head for events
# (pyramid_stconvnet-lstm_demo-events-rgb-flow-audio.py). By hand, with these files:
# python -m mmstconv cache-steps CONFIG work_dirs/demo_tasks/streams.pth
# mim train mmstconv summary-8-steps_demo-rgb-flow-audio.py
# The demo's head for summaries on the joint that the one for events has: eight steps in
# the window of one second, not four.
_base_ = ["../../summarization/demo/summary_demo-rgb-flow-audio.py"]

cache = "work_dirs/demo_analysis/steps"
load = dict(type="LoadFilmSteps", cache=cache)
truth = ["gt_importance", "user_importance", "change_points"]
train_steps = [
    load,
    dict(type="AlignImportance"),
    dict(type="CropFilmSteps", length=320),
    dict(type="PackFilmSteps", keys=["gt_importance"]),
]
test_steps = [
    load,
    dict(type="AlignImportance"),
    dict(type="PackFilmSteps", keys=truth),
]

model = dict(joint=dict(steps=8), cls_head=dict(window=64))
train_dataloader = dict(dataset=dict(pipeline=train_steps))
val_dataloader = dict(dataset=dict(pipeline=test_steps))
test_dataloader = dict(dataset=dict(pipeline=test_steps))
param_scheduler = [dict(type="MultiStepLR", by_epoch=True, milestones=[60], gamma=0.1)]
train_cfg = dict(max_epochs=80, val_interval=20)
