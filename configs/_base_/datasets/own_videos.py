# A folder of videos of one's own; the config that inherits this says how many classes.
# Sound is that of the clip with a second before and after it (docs/accuracy.md).
_base_ = ["./trimodal_112.py"]

from mmstconv.pipelines import change_steps

change_steps(_base_, sound=dict(context=2.0))

data_root = "data"
videos = dict(num_classes=None, data_prefix=dict(video=f"{data_root}/videos"))
train = dict(ann_file=f"{data_root}/train.txt", **videos)
val = dict(ann_file=f"{data_root}/val.txt", **videos)
# A folder may hold twelve videos: the batch follows from their number, and the learning
# rate from the batch. The last few files of an epoch would make a batch whose
# statistics say little (docs/accuracy.md).
train_dataloader = dict(batch_size="auto", drop_last=True, dataset=train)
val_dataloader = dict(batch_size=8, dataset=val)
test_dataloader = dict(batch_size=1, dataset=val)
