# Clips of 16 frames, 1/12 s apart, at 112 x 112, with the sound of the same 1.33 s.
# The data sets that inherit this say where their files are. Folders, lists and names
# are those of MMAction2's data preparation: nothing has to be extracted beforehand.
# A child changes steps by name: configs/README.md.
_base_ = []  # first: MMEngine then lets a config import something

from mmstconv.cores import loader_workers
from mmstconv.pipelines import frames_at, pipelines

frames = frames_at(112)
steps = dict(
    open=dict(type="OpenMedia"),
    clip=dict(type="SampleClips", clip_len=16, fps=12),
    frames=frames["frames"],
    sound=dict(type="LoadWaveform", sample_rate=16000),
    flow=dict(type="ComputeFlow", method="dis_fast"),
    audio=dict(type="LogMel", n_mels=64),
    format=dict(type="FormatClips"),
    pack=dict(
        type="PackActionInputs",
        meta_keys=["filename", "presence", "clip_starts", "clip_duration"],
    ),
    modalities=["rgb", "flow", "audio"],
    needs=dict(rgb=["frames"], flow=["frames", "flow"], audio=["sound", "audio"]),
    train=frames["train"],
    val=dict(clip=dict(test_mode=True)),
    test=dict(clip=dict(test_mode=True, num_clips=10)),
)
train_pipeline, val_pipeline, test_pipeline = pipelines(steps)

workers = dict(num_workers=loader_workers(), persistent_workers=True)
train_dataloader = dict(
    batch_size=32,
    sampler=dict(type="ResumableSampler", shuffle=True),
    dataset=dict(type="MultiModalVideoDataset", pipeline=train_pipeline),
    **workers,
)
val_dataloader = dict(
    batch_size=32,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="MultiModalVideoDataset", pipeline=val_pipeline, test_mode=True),
    **workers,
)
test_dataloader = dict(
    batch_size=4,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="MultiModalVideoDataset", pipeline=test_pipeline, test_mode=True),
    **workers,
)
# The second says what each modality brings, and warns where the joint model is below
# its best stream; it needs score_subsets in the head.
val_evaluator = [dict(type="GatheredAccMetric"), dict(type="ModalityMetric")]
test_evaluator = val_evaluator
