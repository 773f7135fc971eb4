# mim train mmstconv i3d_r50-lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py
# MMAction2's inflated ResNet-50 in both video streams; audio, necks and head are ours.
# Accuracy: not measured.
_base_ = ["./stconvnet_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py"]

i3d = dict(
    _delete_=True,
    type="ResNet3d",
    depth=50,
    pretrained=None,
    conv1_kernel=(5, 7, 7),
    conv1_stride_t=2,
    pool1_stride_t=2,
    conv_cfg=dict(type="Conv3d"),
    norm_eval=False,
    inflate=((1, 1, 1), (1, 0, 1, 0), (1, 0, 1, 0, 1, 0), (0, 1, 0)),
    zero_init_residual=False,
)
model = dict(
    streams=dict(
        rgb=dict(backbone=i3d),
        flow=dict(backbone=dict(i3d, in_channels=2)),
    ),
)
