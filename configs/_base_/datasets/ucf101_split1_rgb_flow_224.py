# UCF101, split 1, without sound: 32 frames at 25 a second, 224 x 224. I3D and S3D were
# trained on 64 such frames; 32 fit on one GPU.
_base_ = ["./ucf101_split1_rgb_flow_112.py"]

from mmstconv.pipelines import change_steps

change_steps(
    _base_,
    clip=dict(clip_len=32, fps=25),
    frames=[
        dict(type="LoadFrames", short_side=256),
        dict(type="CenterCrop", crop_size=224),
    ],
    train=dict(
        frames=[
            dict(type="RandomResizedCrop", area_range=(0.4, 1.0), lazy=True),
            dict(type="Resize", scale=(224, 224), keep_ratio=False, lazy=True),
            dict(type="Flip", flip_ratio=0.5, lazy=True),
            dict(type="LoadFrames"),
        ]
    ),
)
test_dataloader = dict(batch_size=1)
