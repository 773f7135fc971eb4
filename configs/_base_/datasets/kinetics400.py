# Kinetics-400, as MMAction2 prepares it.
_base_ = ["./trimodal_112.py"]

data_root = "data/kinetics400"
train = dict(
    num_classes=400,
    ann_file=f"{data_root}/kinetics400_train_list_videos.txt",
    data_prefix=dict(video=f"{data_root}/videos_train"),
)
val = dict(
    num_classes=400,
    ann_file=f"{data_root}/kinetics400_val_list_videos.txt",
    data_prefix=dict(video=f"{data_root}/videos_val"),
)
train_dataloader = dict(dataset=train)
val_dataloader = dict(dataset=val)
test_dataloader = dict(dataset=val)
