# python -m mmstconv cache_steps CONFIG work_dirs/demo_tasks/streams.pth
# mim train mmstconv pyramid_stconvnet-lstm-4s_demo-events-rgb-flow-audio.py
# python tools/demo_tasks.py
# makes these streams. They see windows of four seconds instead of one, the LSTMs all of
# it: longer than the clips that they have learned from.
_base_ = ["./pyramid_stconvnet-lstm_demo-events-rgb-flow-audio.py"]

from mmstconv.pipelines import changed_steps, pipelines

steps = changed_steps(_base_.steps, dict(clip=dict(clip_len=32)))
train_pipeline, val_pipeline, test_pipeline = pipelines(steps)

cache = "work_dirs/demo_events/steps_4s"
load = dict(type="LoadFilmSteps", cache=cache)
pack = dict(type="PackFilmSteps", keys=["gt_instances"])
film_train_pipeline = [load, dict(type="CropFilmSteps", length=192), pack]
film_test_pipeline = [load, pack]
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=film_train_pipeline)))
val_dataloader = dict(dataset=dict(pipeline=film_test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=film_test_pipeline))

model = dict(joint=dict(steps=32))
