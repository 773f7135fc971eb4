# Windows of a folder of videos: 8 frames to see and 8 to forecast, a tenth of a second
# apart, 64 x 64, in colour, with flow and sound of the seen ones. All videos below
# data/videos/train to train, four windows of each below data/videos/val to validate.
# A child changes steps by name: configs/README.md.
_base_ = []  # first: MMEngine then lets a config import something

from mmstconv.cores import loader_workers
from mmstconv.pipelines import pipelines

data_root = "data/videos"
seen, future = 8, 8

steps = dict(
    open=dict(type="OpenMedia"),
    clip=dict(type="SampleWindow", clip_len=seen + future, fps=10),
    frames=[
        dict(type="LoadFrames", short_side=64),
        dict(type="CenterCrop", crop_size=64),
    ],
    sound=dict(type="LoadWaveform", sample_rate=16000),
    # behind this nothing knows of the frames to come
    split=dict(type="SplitFuture", seen=seen, future=future),
    flow=dict(type="ComputeFlow", method="dis"),
    audio=dict(type="LogMel", n_mels=64, n_fft=1024, hop_length=320),
    format=dict(type="FormatClips"),
    pack=dict(
        type="PackActionInputs",
        algorithm_keys=["gt_frames"],
        meta_keys=["filename", "presence", "clip_starts", "clip_duration"],
    ),
    modalities=["rgb", "flow", "audio"],
    needs=dict(rgb=["frames"], flow=["frames", "flow"], audio=["sound", "audio"]),
    train=dict(
        frames=[
            dict(type="LoadFrames", short_side=80),
            dict(type="RandomCrop", size=64),
            dict(type="Flip", flip_ratio=0.5),
        ]
    ),
)
train_pipeline, val_pipeline, test_pipeline = pipelines(steps)

train_dataloader = dict(
    batch_size=16,
    num_workers=loader_workers(),
    persistent_workers=True,
    sampler=dict(type="ResumableSampler", shuffle=True),
    dataset=dict(
        type="FrameSequenceDataset",
        data_prefix=dict(video=f"{data_root}/train"),
        pipeline=train_pipeline,
        windows=4,
    ),
)
validation = dict(
    type="FrameSequenceDataset",
    data_prefix=dict(video=f"{data_root}/val"),
    windows=4,
    test_mode=True,
)
val_dataloader = dict(
    batch_size=16,
    num_workers=loader_workers(),
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(pipeline=val_pipeline, **validation),
)
test_dataloader = dict(
    batch_size=16,
    num_workers=loader_workers(),
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(pipeline=test_pipeline, **validation),
)
val_evaluator = dict(type="FrameMetric")
test_evaluator = dict(type="FrameMetric", baselines=True)
