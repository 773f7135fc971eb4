# UCF101, split 1, without sound: 16 frames at 15 a second, 112 x 112, as torchvision's
# video networks were trained. Files as in ucf101_split1.py.
_base_ = ["./ucf101_split1.py"]

clip = dict(type="SampleClips", clip_len=16, fps=15)
train_clip = [dict(type="OpenMedia"), clip]
val_clip = [dict(type="OpenMedia"), dict(clip, test_mode=True)]
test_clip = [dict(type="OpenMedia"), dict(clip, test_mode=True, num_clips=10)]

modalities = ["rgb", "flow"]
derive = [
    dict(type="ComputeFlow", method="dis_fast", bound=20),
    dict(type="FormatClips", modalities=modalities),
    dict(
        type="PackActionInputs",
        collect_keys=modalities,
        meta_keys=["filename", "presence"],
    ),
]
train_pipeline = [*train_clip, *_base_.train_frames, *derive]
val_pipeline = [*val_clip, *_base_.test_frames, *derive]
test_pipeline = [*test_clip, *_base_.test_frames, *derive]

train_dataloader = dict(batch_size=16, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(batch_size=16, dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
