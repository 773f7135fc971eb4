# Clips with a sentence of each: tools/data/make_caption_dataset.py data/demo_captions
# The loaders read what the streams say along them, from `cache`: how that is made
# stands in docs/captioning.md. test_pipeline is that of the clips, which steps are made
# of.
_base_ = ["./demo.py"]

caption_root = "data/demo_captions"
cache = "work_dirs/demo_captions/steps"

# The clips have up to 25 steps: all are padded to one length, none is cropped.
caption_steps = [
    dict(type="LoadFilmSteps", cache=cache),
    dict(type="CropFilmSegment"),
    dict(type="CropFilmSteps", length=28),
    dict(type="PackFilmSteps", keys=["gt_captions"]),
]
captions = dict(
    _delete_=True,
    type="CaptionDataset",
    data_prefix=dict(video=f"{caption_root}/videos"),
    pipeline=caption_steps,
)
train_captions = dict(captions, ann_file=f"{caption_root}/training.csv")
val_captions = dict(captions, ann_file=f"{caption_root}/validation.csv", test_mode=True)
test_captions = dict(captions, ann_file=f"{caption_root}/test.csv", test_mode=True)

here = dict(batch_size=32, num_workers=0, persistent_workers=False)
train_dataloader = dict(dataset=train_captions, **here)
val_dataloader = dict(dataset=val_captions, **here)
test_dataloader = dict(dataset=test_captions, **here)
slots = dict(
    colour=["warm", "cool"],
    shape=["disc", "square"],
    direction=["up", "down"],
    order=["before", "after"],
    glide=["rising", "falling"],
)
val_evaluator = dict(_delete_=True, type="CaptionMetric", slots=slots)
test_evaluator = val_evaluator
