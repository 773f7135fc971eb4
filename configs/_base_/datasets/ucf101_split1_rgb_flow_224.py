# UCF101, split 1, without sound: 32 frames at 25 a second, 224 x 224. I3D and S3D were
# trained on 64 such frames; 32 fit on one GPU.
_base_ = ["./ucf101_split1_rgb_flow_112.py"]

clip = dict(type="SampleClips", clip_len=32, fps=25)
train_clip = [dict(type="OpenMedia"), clip]
val_clip = [dict(type="OpenMedia"), dict(clip, test_mode=True)]
test_clip = [dict(type="OpenMedia"), dict(clip, test_mode=True, num_clips=10)]
train_frames = [
    dict(type="RandomResizedCrop", area_range=(0.4, 1.0), lazy=True),
    dict(type="Resize", scale=(224, 224), keep_ratio=False, lazy=True),
    dict(type="Flip", flip_ratio=0.5, lazy=True),
    dict(type="LoadFrames"),
]
test_frames = [
    dict(type="LoadFrames", short_side=256),
    dict(type="CenterCrop", crop_size=224),
]
train_pipeline = [*train_clip, *train_frames, *_base_.derive]
val_pipeline = [*val_clip, *test_frames, *_base_.derive]
test_pipeline = [*test_clip, *test_frames, *_base_.derive]

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(batch_size=1, dataset=dict(pipeline=test_pipeline))
