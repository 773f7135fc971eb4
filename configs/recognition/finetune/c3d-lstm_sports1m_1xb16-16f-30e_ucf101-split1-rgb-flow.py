# mim train mmstconv c3d-lstm_sports1m_1xb16-16f-30e_ucf101-split1-rgb-flow.py
# python tools/convert_checkpoint.py \
#     c3d_sports1m_pretrain_20201016-dcc47ddc.pth --out checkpoints/c3d.pth
# C3D up to fc7, from MMAction2's file: 112 x 112, frames one after the other, and no
# batch norm that could be frozen. Tran 2015, RGB alone, a linear SVM on its features,
# mean of three splits: 82.3; MMAction2's fine-tuning: 83.1. Ours: not measured.
_base_ = ["./r2plus1d_18-lstm_k400_1xb16-16f-30e_ucf101-split1-rgb-flow.py"]

start = dict(
    init_cfg=dict(checkpoint="checkpoints/c3d.pth"),
    backbone=dict(arch="c3d", norm_eval=False),
    neck=dict(in_channels=4096),
)
model = dict(
    data_preprocessor=dict(
        preprocessors=dict(
            rgb=dict(mean=[104.0, 117.0, 128.0], std=[1.0, 1.0, 1.0]),
            # as wide as the RGB that the flow stream's weights were trained on
            flow=dict(std=[0.15, 0.15]),
        )
    ),
    streams=dict(rgb=start, flow=start),
)

clip = dict(type="SampleClips", clip_len=16, fps=25)
train_clip = [dict(type="OpenMedia"), clip]
val_clip = [dict(type="OpenMedia"), dict(clip, test_mode=True)]
test_clip = [dict(type="OpenMedia"), dict(clip, test_mode=True, num_clips=10)]
train_pipeline = [*train_clip, *_base_.train_pipeline[2:]]
val_pipeline = [*val_clip, *_base_.val_pipeline[2:]]
test_pipeline = [*test_clip, *_base_.test_pipeline[2:]]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
