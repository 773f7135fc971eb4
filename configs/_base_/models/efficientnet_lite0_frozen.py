# What efficientnet_lite0_trimodal.py is for a folder of videos of one's own: RGB from
# ImageNet weights that stay as they are, on every second frame; flow (a third of the
# size, own_videos_168.py) and sound from scratch.
_base_ = ["./efficientnet_lite0_trimodal.py"]

model = dict(
    data_preprocessor=dict(preprocessors=dict(flow=dict(std=[10.0, 10.0]))),
    streams=dict(
        rgb=dict(backbone=dict(arch="efficientnet_lite0_every2", frozen_stages=9)),
        flow=dict(
            init_cfg=None,
            backbone=dict(
                _delete_=True, type="STConvNet", arch="lite_half_fine", in_channels=2
            ),
        ),
    ),
)
