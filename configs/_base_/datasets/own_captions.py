# Videos of one's own below data/videos, with sentences of them, or of segments of them,
# in data/training.csv and data/validation.csv: file,start,end,text. Other formats:
# docs/captioning.md. The loaders read what the streams say along them, from `cache`;
# the pipelines of clips, in windows of four seconds, are what it is made with.
_base_ = ["./own_videos_168.py"]

from mmstconv.pipelines import change_steps

change_steps(_base_, clip=dict(clip_len=48))

data_root = "data"
cache = "work_dirs/own_captions/steps"

load = [dict(type="LoadFilmSteps", cache=cache), dict(type="CropFilmSegment")]
pack = dict(type="PackFilmSteps", keys=["gt_captions"])
# at most 16 s of a segment to train; all of it to test
caption_train_pipeline = [*load, dict(type="CropFilmSteps", length=96), pack]
caption_test_pipeline = [*load, pack]

captions = dict(
    _delete_=True,
    type="CaptionDataset",
    data_prefix=dict(video=f"{data_root}/videos"),
)
train_captions = dict(
    captions, ann_file=f"{data_root}/training.csv", pipeline=caption_train_pipeline
)
val_captions = dict(
    captions,
    ann_file=f"{data_root}/validation.csv",
    pipeline=caption_test_pipeline,
    test_mode=True,
)

here = dict(num_workers=0, persistent_workers=False)
train_dataloader = dict(batch_size=32, drop_last=False, dataset=train_captions, **here)
val_dataloader = dict(batch_size=1, dataset=val_captions, **here)
test_dataloader = dict(batch_size=1, dataset=val_captions, **here)
val_evaluator = dict(_delete_=True, type="CaptionMetric", worth="CIDEr-D")
test_evaluator = val_evaluator
