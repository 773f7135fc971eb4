# HMDB51, split 1, as MMAction2 prepares it. It states the files alone and goes over a
# config for another data set: train_dataloader = dict(dataset=_base_.hmdb51.train).
# Most of its files have no sound.
hmdb51 = dict(
    train=dict(
        num_classes=51,
        ann_file="data/hmdb51/hmdb51_train_split_1_videos.txt",
        data_prefix=dict(video="data/hmdb51/videos"),
    ),
    val=dict(
        num_classes=51,
        ann_file="data/hmdb51/hmdb51_val_split_1_videos.txt",
        data_prefix=dict(video="data/hmdb51/videos"),
    ),
)
