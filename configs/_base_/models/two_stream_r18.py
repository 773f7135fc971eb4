# Two streams with torchvision's 18-layer video networks (https://arxiv.org/abs/1711.11248).
# There are weights for RGB alone: the flow stream starts from them as well, with its
# first layer averaged over the colours. The stem of the RGB stream stays as it is.
# Every fourth time step is kept for the LSTM: 4 of 16 frames.
lstm = dict(type="LSTMTemporalNeck", hidden_channels=512)
backbone = dict(
    type="STConvNet",
    arch="r2plus1d_18_torchvision",
    max_temporal_stride=4,
    norm_eval=True,
    in_channels=3,
)
weights = dict(type="AdaptedPretrained", checkpoint="checkpoints/r2plus1d_18.pth")

model = dict(
    type="TriModalRecognizer",
    data_preprocessor=dict(
        type="TriModalDataPreprocessor",
        preprocessors=dict(
            rgb=dict(
                type="ActionDataPreprocessor",
                # torchvision's, times 255
                mean=[110.2008, 100.63983, 95.99475],
                std=[58.14765, 56.46975, 55.332195],
                format_shape="NCTHW",
            ),
            flow=dict(
                type="ActionDataPreprocessor",
                mean=[0.0, 0.0],
                std=[20.0, 20.0],
                format_shape="NCTHW",
            ),
        ),
    ),
    streams=dict(
        rgb=dict(init_cfg=weights, backbone=dict(backbone, frozen_stages=1), neck=lstm),
        flow=dict(
            init_cfg=dict(weights, adapt_input=True),
            backbone=dict(backbone, in_channels=2),
            neck=lstm,
        ),
    ),
    joint=dict(fusion=dict(type="GatedMultimodalUnit")),
    cls_head=dict(
        type="TriModalFusionHead",
        num_classes=101,
        aux_loss_weight=1.0,
        dropout_ratio=0.5,
        average_clips="prob",
        score_subsets=True,
    ),
)
