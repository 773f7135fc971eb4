# KTH below data/kth, as its six archives unpack: persons 1 to 16 to train, 17 to 25 to
# test, 10 frames seen and 20 to come at 25 a second, grey, 128 x 128. There is no
# sound. A child changes steps by name: configs/README.md.
_base_ = ["./own_frames.py"]

from mmstconv.pipelines import change_steps

data_root = "data/kth"
seen, future = 10, 20

frames = [
    dict(type="LoadFrames"),
    dict(type="Resize", scale=(128, 128), keep_ratio=False),
]
change_steps(
    _base_,
    modalities=["rgb", "flow"],
    clip=dict(clip_len=seen + future, fps=25),
    frames=frames,
    split=dict(seen=seen, future=future, grey=True),
    train=dict(frames=[*frames, dict(type="Flip", flip_ratio=0.5)]),
)

kth = dict(type="KTHDataset", data_prefix=dict(video=data_root))
train_dataloader = dict(dataset=dict(persons="train", windows=8, **kth))
val_dataloader = dict(batch_size=4, dataset=dict(persons="test", windows=1, **kth))
test_dataloader = dict(batch_size=4, dataset=dict(persons="test", windows=4, **kth))
test_evaluator = dict(lpips=True)
