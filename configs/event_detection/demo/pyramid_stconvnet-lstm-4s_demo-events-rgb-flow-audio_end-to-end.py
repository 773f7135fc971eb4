# mim train mmstconv pyramid_stconvnet-lstm-4s_demo-events-rgb-flow-audio.py
# mim train mmstconv pyramid_stconvnet-lstm-4s_demo-events-rgb-flow-audio_end-to-end.py
# python -m mmstconv cache_steps CONFIG CHECKPOINT
# mim test mmstconv CONFIG --checkpoint CHECKPOINT --cfg-options model.cached_steps=True
# The second stage: streams, joint and head together, on random crops of four seconds
# that are decoded anew each time, the streams at a low rate. What is tested are steps
# of its own streams, so they are cached first.
_base_ = ["./pyramid_stconvnet-lstm-4s_demo-events-rgb-flow-audio.py"]

from mmstconv.pipelines import changed_steps, pipelines

with_events = dict(pack=dict(algorithm_keys=["gt_instances"]))
train_pipeline, _, _ = pipelines(changed_steps(_base_.steps, with_events))

cache = "work_dirs/demo_events/steps_4s_end-to-end"
load = dict(type="LoadFilmSteps", cache=cache)
film_test_pipeline = [load, dict(type="PackFilmSteps", keys=["gt_instances"])]
train_dataloader = dict(
    num_workers=1,
    persistent_workers=True,
    dataset=dict(times=4, dataset=dict(pipeline=train_pipeline)),
)
test_dataloader = dict(dataset=dict(pipeline=film_test_pipeline))
val_dataloader = val_cfg = val_evaluator = None

model = dict(cached_steps=False)
load_from = (
    "work_dirs/pyramid_stconvnet-lstm-4s_demo-events-rgb-flow-audio/epoch_12.pth"
)
optim_wrapper = dict(
    optimizer=dict(lr=2e-4),
    paramwise_cfg=dict(custom_keys={"streams": dict(lr_mult=0.2)}),
)
train_cfg = dict(max_epochs=6)
