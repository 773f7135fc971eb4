# Digits that turn: tools/data/make_frame_dataset.py data/demo_frames
# 8 of the 16 frames are seen. Nothing is flipped: left would be right.
_base_ = ["./own_frames.py"]

from mmstconv.pipelines import change_steps

data_root = "data/demo_frames"

change_steps(
    _base_,
    clip=dict(fps=8),
    frames=dict(type="LoadFrames"),
    flow=dict(shrink=2),
    train=dict(frames=dict(type="LoadFrames")),
)

videos = dict(video=f"{data_root}/videos")
train_dataloader = dict(
    num_workers=1,
    dataset=dict(ann_file=f"{data_root}/training.txt", data_prefix=videos, windows=1),
)
val_dataloader = dict(
    num_workers=1,
    dataset=dict(ann_file=f"{data_root}/validation.txt", data_prefix=videos, windows=1),
)
test_dataloader = dict(
    num_workers=1,
    dataset=dict(ann_file=f"{data_root}/test.txt", data_prefix=videos, windows=1),
)
