# The embedded data set: tools/data/make_demo_dataset.py data/demo
# A child changes steps by name: configs/README.md.
_base_ = []  # first: MMEngine then lets a config import something

from mmstconv.pipelines import pipelines

data_root = "data/demo"

scale = dict(type="Resize", scale=(56, 56), keep_ratio=False)
flip = dict(type="Flip", flip_ratio=0.5)
steps = dict(
    open=dict(type="OpenMedia"),
    # 8 steps of 1/8 s: one second for all modalities
    clip=dict(type="SampleClips", clip_len=8, fps=8),
    frames=[dict(type="LoadFrames"), scale],
    flow=dict(type="ComputeFlow", method="dis"),
    sound=dict(type="LoadWaveform", sample_rate=16000),
    audio=dict(type="LogMel", n_mels=64, n_fft=1024, hop_length=320),
    format=dict(type="FormatClips"),
    pack=dict(
        type="PackActionInputs",
        meta_keys=["filename", "presence", "clip_starts", "clip_duration"],
    ),
    modalities=["rgb", "flow", "audio"],
    needs=dict(rgb=["frames"], flow=["frames", "flow"], audio=["sound", "audio"]),
    train=dict(frames=[dict(type="LoadFrames"), scale, flip]),
    val=dict(clip=dict(test_mode=True)),
    test=dict(clip=dict(test_mode=True)),
)
train_pipeline, val_pipeline, test_pipeline = pipelines(steps)

dataset = dict(
    type="MultiModalVideoDataset",
    num_classes=8,
    metainfo=dict(classes=f"{data_root}/classes.txt"),
)
train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type="ResumableSampler", shuffle=True),
    dataset=dict(
        ann_file=f"{data_root}/train.txt",
        data_prefix=dict(video=f"{data_root}/train"),
        pipeline=train_pipeline,
        **dataset,
    ),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        ann_file=f"{data_root}/val.txt",
        data_prefix=dict(video=f"{data_root}/val"),
        pipeline=val_pipeline,
        test_mode=True,
        **dataset,
    ),
)
test_dataloader = dict(
    batch_size=16,
    num_workers=1,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        ann_file=f"{data_root}/test.txt",
        data_prefix=dict(video=f"{data_root}/test"),
        pipeline=test_pipeline,
        test_mode=True,
        **dataset,
    ),
)
val_evaluator = dict(type="GatheredAccMetric", metric_list="top_k_accuracy")
test_evaluator = val_evaluator
