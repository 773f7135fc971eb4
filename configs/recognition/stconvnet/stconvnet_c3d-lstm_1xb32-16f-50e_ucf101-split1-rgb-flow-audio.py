# mim train mmstconv stconvnet_c3d-lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py
# C3D as published (Tran 2015: no norm, biased convolutions, its five poolings) for RGB,
# up to pool5; the LSTM stands where its fully connected layers stood.
# Accuracy: not measured.
_base_ = ["./stconvnet_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py"]

space = dict(mode="max", size=2)
time = dict(mode="max", size=2)
both = dict(temporal_pool=time, spatial_pool=space)
model = dict(
    streams=dict(
        rgb=dict(
            backbone=dict(
                _delete_=True,
                type="STConvNet",
                norm_cfg=None,
                stages=[
                    dict(channels=64, spatial_pool=space),
                    dict(channels=128, **both),
                    dict(channels=256, num_blocks=2, **both),
                    dict(channels=512, num_blocks=2, **both),
                    dict(
                        channels=512,
                        num_blocks=2,
                        temporal_pool=time,
                        spatial_pool=dict(mode="max", size=2, padding=1),
                    ),
                ],
            ),
        ),
    ),
)
