# The small network that blocks of equal cost were compared for (docs/backbones.md):
# plain 3D convolution and decoupled pooling, flow at half the width of RGB, strided 2D
# convolution over log-mel. For clips of 16 frames at 112 x 112 and 64 bands.
# Fusion and auxiliary losses: the choice of docs/fusion.md.
_base_ = ["./stconvnet_trimodal.py"]

lite = dict(_delete_=True, type="STConvNet")
model = dict(
    streams=dict(
        rgb=dict(
            backbone=dict(arch="lite", in_channels=3, **lite),
        ),
        flow=dict(
            backbone=dict(arch="lite_half", in_channels=2, **lite),
        ),
        audio=dict(
            backbone=dict(_delete_=True, type="MelConvNet", arch="mel_lite"),
        ),
    ),
    joint=dict(fusion=dict(type="GatedMultimodalUnit")),
    cls_head=dict(aux_loss_weight=1.0),
)
