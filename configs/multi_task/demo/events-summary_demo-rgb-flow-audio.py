# python tools/demo_tasks.py
# makes the data, work_dirs/demo_tasks/streams.pth (the streams of `make demo`) and the
# caches of its steps, which two single heads learn from. Then:
# mim train mmstconv events-summary_demo-rgb-flow-audio.py
# Both heads together, in batches of films of both data sets; each learns from the films
# that have its truth.
_base_ = [
    "../../_base_/ema_runtime.py",
    "../../_base_/models/pyramid_demo.py",
    "../../_base_/datasets/demo_events.py",
    "../../_base_/schedules/event_adamw.py",
]

model = dict(
    cls_head=dict(
        _delete_=True,
        type="MultiTaskHead",
        heads=dict(
            events=dict(type="TemporalEventHead", num_classes=8, score_subsets=True),
            summary=dict(type="SummaryHead", window=64, dropout_ratio=0.3, levels=4),
        ),
        loss_weights=dict(summary=2.0),
    ),
)

length = 192  # 24 seconds of either
event_films = dict(
    type="UntrimmedVideoDataset",
    ann_file="data/demo_events/events.json",
    data_prefix=dict(video="data/demo_events/videos"),
    metainfo=dict(classes="data/demo_events/classes.txt"),
    subset="training",
    pipeline=[
        dict(type="LoadFilmSteps", cache="work_dirs/demo_events/steps"),
        dict(type="CropFilmSteps", length=length),
        dict(type="PackFilmSteps", keys=["gt_instances"]),
    ],
)
rated_films = dict(
    type="SummaryDataset",
    ann_file="data/demo_summaries/summaries.json",
    data_prefix=dict(video="data/demo_summaries/videos"),
    subset="training",
    pipeline=[
        dict(type="LoadFilmSteps", cache="work_dirs/demo_analysis/steps"),
        dict(type="AlignImportance"),
        dict(type="CropFilmSteps", length=length),
        dict(type="PackFilmSteps", keys=["gt_importance"]),
    ],
)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type="RepeatDataset",
        times=10,
        dataset=dict(
            type="ConcatDataset",
            datasets=[event_films, rated_films],
            ignore_keys=["classes"],
        ),
    ),
)
load_from = "work_dirs/demo_tasks/streams.pth"
train_cfg = dict(max_epochs=12, val_interval=12)
default_hooks = dict(checkpoint=dict(interval=4, max_keep_ckpts=1, save_best=None))
randomness = dict(seed=0)
