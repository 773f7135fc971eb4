# UCF101, split 1. Half of its classes have no sound: those samples are marked.
_base_ = ["./trimodal_112.py"]

data_root = "data/ucf101"
files = dict(num_classes=101, data_prefix=dict(video=f"{data_root}/videos"))
train = dict(ann_file=f"{data_root}/ucf101_train_split_1_videos.txt", **files)
val = dict(ann_file=f"{data_root}/ucf101_val_split_1_videos.txt", **files)
train_dataloader = dict(dataset=train)
val_dataloader = dict(dataset=val)
test_dataloader = dict(dataset=val)
