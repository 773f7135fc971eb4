# Films of which is known what matters:
# tools/data/make_summary_dataset.py data/demo_summaries
# Heads learn from cached steps: python -m mmstconv cache-steps CONFIG CHECKPOINT
# test_pipeline is that of the clips, which steps are made of.
_base_ = ["./demo.py"]

film_root = "data/demo_summaries"
cache = "work_dirs/demo-summaries-steps"
truth = ["gt_importance", "user_importance", "change_points"]

train_steps = [
    dict(type="LoadFilmSteps", cache=cache),
    dict(type="AlignImportance"),
    dict(type="CropFilmSteps", length=160),
    dict(type="PackFilmSteps", keys=["gt_importance"]),
]
test_steps = [
    dict(type="LoadFilmSteps", cache=cache),
    dict(type="AlignImportance"),
    dict(type="PackFilmSteps", keys=truth),
]
films = dict(
    type="SummaryDataset",
    ann_file=f"{film_root}/summaries.json",
    data_prefix=dict(video=f"{film_root}/videos"),
)
train_dataloader = dict(
    _delete_=True,
    batch_size=8,
    num_workers=0,
    sampler=dict(type="ResumableSampler", shuffle=True),
    dataset=dict(subset="training", pipeline=train_steps, **films),
)
# whole films, one at a time; the model is chosen on these, never on the test
val_dataloader = dict(
    _delete_=True,
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(subset="validation", pipeline=test_steps, test_mode=True, **films),
)
test_dataloader = dict(
    _delete_=True,
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(subset="test", pipeline=test_steps, test_mode=True, **films),
)
val_evaluator = dict(_delete_=True, type="SummaryMetric", protocol="tvsum")
test_evaluator = val_evaluator
