# Untrimmed videos of one's own below data/videos, with their events in ActivityNet's
# JSON; subsets training and validation (the test is on validation, unless the config
# that inherits this names another one). Other formats: docs/event_detection.md.
# The loaders read what the streams say along them, from `cache`; the pipelines of
# clips, in windows of four seconds, are what it is made with.
_base_ = ["./own_videos_168.py"]

from mmstconv.pipelines import change_steps

change_steps(_base_, clip=dict(clip_len=48))

data_root = "data"
cache = "work_dirs/own_events/steps"

load = dict(type="LoadFilmSteps", cache=cache)
pack = dict(type="PackFilmSteps", keys=["gt_instances"])
# 24 s of a video to train, ten times an epoch; all of it to test
film_train_pipeline = [load, dict(type="CropFilmSteps", length=144), pack]
film_test_pipeline = [load, pack]

films = dict(
    type="UntrimmedVideoDataset",
    ann_file=f"{data_root}/events.json",
    data_prefix=dict(video=f"{data_root}/videos"),
)
train_films = dict(films, subset="training", pipeline=film_train_pipeline)
val_films = dict(
    films, subset="validation", test_mode=True, pipeline=film_test_pipeline
)

here = dict(num_workers=0, persistent_workers=False)
train_dataloader = dict(
    batch_size=8,
    drop_last=False,
    dataset=dict(_delete_=True, type="RepeatDataset", times=10, dataset=train_films),
    **here,
)
val_dataloader = dict(batch_size=1, dataset=dict(_delete_=True, **val_films), **here)
test_dataloader = dict(batch_size=1, dataset=dict(_delete_=True, **val_films), **here)
val_evaluator = dict(_delete_=True, type="TemporalDetectionMetric")
test_evaluator = val_evaluator
