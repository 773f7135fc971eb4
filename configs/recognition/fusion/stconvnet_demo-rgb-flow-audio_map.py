# mim train mmstconv stconvnet_demo-rgb-flow-audio_map.py
# Fusion of feature maps, where they still have space: 3D convolution and 3D pooling
# over the stacked maps. No LSTM; the kernels see the order in time.
_base_ = ["../demo/stconvnet_lstm_demo-rgb-flow-audio.py"]

half = dict(mode="max", size=2)
model = dict(
    streams=dict(rgb=dict(neck=None), flow=dict(neck=None), audio=dict(neck=None)),
    joint=dict(
        fusion=dict(
            type="Conv3dFusion",
            grid=(4, 7, 7),
            trunk=dict(
                type="STConvNet",
                stages=[dict(channels=128, temporal_pool=half, spatial_pool=half)],
            ),
        ),
        temporal=dict(type="MeanOverTime"),
    ),
)
