# mim train mmstconv c3d-lstm_sports1m_1xb16-16f-30e_ucf101-split1-rgb-flow.py
# python tools/convert_checkpoint.py \
#     c3d_sports1m_pretrain_20201016-dcc47ddc.pth --out checkpoints/c3d.pth
# C3D up to fc7, from MMAction2's file: 112 x 112, frames one after the other, and no
# batch norm that could be frozen. Tran 2015, RGB alone, a linear SVM on its features,
# mean of three splits: 82.3; MMAction2's fine-tuning: 83.1. Ours: not measured.
_base_ = ["./r2plus1d_18-lstm_k400_1xb16-16f-30e_ucf101-split1-rgb-flow.py"]

from mmstconv.pipelines import change_steps

change_steps(_base_, clip=dict(fps=25))

start = dict(
    init_cfg=dict(checkpoint="checkpoints/c3d.pth"),
    backbone=dict(arch="c3d", norm_eval=False),
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
