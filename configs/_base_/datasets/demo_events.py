# Untrimmed videos with events: tools/data/make_event_dataset.py data/demo_events
# The loaders read what the streams say along them, from `cache`: how that is made
# stands in docs/event_detection.md. The pipelines of clips are those of the demo.
_base_ = ["./demo.py"]

data_root = "data/demo_events"
cache = "work_dirs/demo_events/steps"

load = dict(type="LoadFilmSteps", cache=cache)
pack = dict(type="PackFilmSteps", keys=["gt_instances"])
# 24 of the 48 seconds to train, ten times an epoch; all of them to test
film_train_pipeline = [load, dict(type="CropFilmSteps", length=192), pack]
film_test_pipeline = [load, pack]

films = dict(
    type="UntrimmedVideoDataset",
    ann_file=f"{data_root}/events.json",
    data_prefix=dict(video=f"{data_root}/videos"),
    metainfo=dict(classes=f"{data_root}/classes.txt"),
)
train_films = dict(films, subset="training", pipeline=film_train_pipeline)
val_films = dict(films, subset="validation", test_mode=True)
test_films = dict(films, subset="test", test_mode=True)

train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(_delete_=True, type="RepeatDataset", times=10, dataset=train_films),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(_delete_=True, pipeline=film_test_pipeline, **val_films),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    dataset=dict(_delete_=True, pipeline=film_test_pipeline, **test_films),
)
val_evaluator = dict(_delete_=True, type="TemporalDetectionMetric")
test_evaluator = val_evaluator
