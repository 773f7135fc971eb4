# The small network that blocks of equal cost were compared for (docs/backbones.md):
# plain 3D convolution and decoupled pooling, flow at half the width of RGB, strided 2D
# convolution over log-mel. For clips of 16 frames at 112 x 112 or 96 x 96, flow of half
# that size, and 64 bands.
# Each stream learns by its own loss, and their answers are multiplied: on real clips
# that was ahead of streams that learn together (docs/accuracy.md). Nothing can be
# learned from which files have no sound either, so no modality is dropped. Where only
# modalities together tell the class (docs/fusion.md):
#     joint=dict(fusion=dict(_delete_=True, type="GatedMultimodalUnit")),
#     cls_head=dict(loss_weight=1.0)
_base_ = ["./stconvnet_trimodal.py"]

lite = dict(_delete_=True, type="STConvNet")
model = dict(
    modality_dropout=None,
    streams=dict(
        rgb=dict(
            backbone=dict(arch="lite", in_channels=3, **lite),
        ),
        flow=dict(
            backbone=dict(arch="lite_half_fine", in_channels=2, **lite),
        ),
        audio=dict(
            backbone=dict(_delete_=True, type="MelConvNet", arch="mel_lite"),
        ),
    ),
    joint=dict(fusion=dict(type="LateFusion", rule="product")),
    cls_head=dict(loss_weight=0.0, aux_loss_weight=1.0, train_without=[]),
)
