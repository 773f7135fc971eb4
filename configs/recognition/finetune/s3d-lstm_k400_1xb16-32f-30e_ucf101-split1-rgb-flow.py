# mim train mmstconv s3d-lstm_k400_1xb16-32f-30e_ucf101-split1-rgb-flow.py
# python tools/convert_checkpoint.py S3D_kinetics400.pt --out checkpoints/s3d_rgb.pth
# S3D's weights (kylemin's) are for RGB; flow starts from them too, and learns faster.
# Xie 2018, S3D-G on RGB alone, mean of three splits: 96.8. Ours: not measured.
_base_ = ["./i3d-lstm_k400_1xb16-32f-30e_ucf101-split1-rgb-flow.py"]

weights = dict(checkpoint="checkpoints/s3d_rgb.pth")
model = dict(
    streams=dict(
        rgb=dict(init_cfg=weights, backbone=dict(arch="s3d")),
        flow=dict(init_cfg=dict(weights, adapt_input=True), backbone=dict(arch="s3d")),
    )
)
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={"streams.flow.backbone": dict(lr_mult=0.5)})
)
