# The embedded data set: tools/data/make_demo_dataset.py data/demo
data_root = "data/demo"

# The pieces of the pipelines; configs with fewer streams put fewer of them together.
# 8 steps of 1/8 s: one second for all modalities.
clip = dict(type="SampleClips", clip_len=8, fps=8)
train_clip = [dict(type="OpenMedia"), clip]
test_clip = [dict(type="OpenMedia"), dict(clip, test_mode=True)]
frames = [
    dict(type="LoadFrames"),
    dict(type="Resize", scale=(56, 56), keep_ratio=False),
]
train_frames = [*frames, dict(type="Flip", flip_ratio=0.5)]
flow = [dict(type="ComputeFlow", method="dis")]
audio = [
    dict(type="LoadWaveform", sample_rate=16000),
    dict(type="LogMel", n_mels=64, n_fft=1024, hop_length=320),
]

modalities = ["rgb", "flow", "audio"]
meta_keys = ["filename", "presence"]
pack = [
    dict(type="FormatClips", modalities=modalities),
    dict(type="PackActionInputs", collect_keys=modalities, meta_keys=meta_keys),
]
train_pipeline = [*train_clip, *train_frames, *flow, *audio, *pack]
test_pipeline = [*test_clip, *frames, *flow, *audio, *pack]

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
        pipeline=test_pipeline,
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
