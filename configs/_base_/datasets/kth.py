# KTH below data/kth, as its six archives unpack: persons 1 to 16 to train, 17 to 25 to
# test, 10 frames seen and 20 to come at 25 a second, grey, 128 x 128. There is no
# sound. A child changes steps by name: configs/README.md.
_base_ = []  # first: MMEngine then lets a config import something

from mmstconv.cores import loader_workers
from mmstconv.pipelines import pipelines

data_root = "data/kth"
seen, future = 10, 20

steps = dict(
    open=dict(type="OpenMedia"),
    clip=dict(type="SampleWindow", clip_len=seen + future, fps=25),
    frames=[
        dict(type="LoadFrames"),
        dict(type="Resize", scale=(128, 128), keep_ratio=False),
    ],
    split=dict(type="SplitFuture", seen=seen, future=future, grey=True),
    flow=dict(type="ComputeFlow", method="dis"),
    format=dict(type="FormatClips"),
    pack=dict(
        type="PackActionInputs",
        algorithm_keys=["gt_frames"],
        meta_keys=["filename", "presence", "clip_starts", "clip_duration"],
    ),
    modalities=["rgb", "flow"],
    needs=dict(rgb=["frames"], flow=["frames", "flow"]),
    train=dict(
        frames=[
            dict(type="LoadFrames"),
            dict(type="Resize", scale=(128, 128), keep_ratio=False),
            dict(type="Flip", flip_ratio=0.5),
        ]
    ),
)
train_pipeline, val_pipeline, test_pipeline = pipelines(steps)

dataset = dict(type="KTHDataset", data_prefix=dict(video=data_root))
train_dataloader = dict(
    batch_size=16,
    num_workers=loader_workers(),
    persistent_workers=True,
    sampler=dict(type="ResumableSampler", shuffle=True),
    dataset=dict(persons="train", windows=8, pipeline=train_pipeline, **dataset),
)
val_dataloader = dict(
    batch_size=4,
    num_workers=loader_workers(),
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        persons="test", windows=1, pipeline=val_pipeline, test_mode=True, **dataset
    ),
)
test_dataloader = dict(
    batch_size=4,
    num_workers=loader_workers(),
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        persons="test", windows=4, pipeline=test_pipeline, test_mode=True, **dataset
    ),
)
val_evaluator = dict(type="FrameMetric")
test_evaluator = dict(type="FrameMetric", baselines=True, lpips=True)
