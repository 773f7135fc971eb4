# Two-stream I3D (https://arxiv.org/abs/1705.07750) that starts from a file per stream.
# Every fourth time step is kept for the LSTM: 8 of 32 frames. Batch norms stay at the
# statistics of the file. The preprocessing is the file's, which is checked.
lstm = dict(type="LSTMTemporalNeck", hidden_channels=512)
backbone = dict(
    type="STConvNet", arch="i3d", max_temporal_stride=4, norm_eval=True, in_channels=3
)

model = dict(
    type="TriModalRecognizer",
    data_preprocessor=dict(
        type="TriModalDataPreprocessor",
        preprocessors=dict(
            rgb=dict(
                type="ActionDataPreprocessor",
                mean=[127.5, 127.5, 127.5],
                std=[127.5, 127.5, 127.5],
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
        rgb=dict(
            init_cfg=dict(
                type="AdaptedPretrained", checkpoint="checkpoints/i3d_rgb.pth"
            ),
            backbone=backbone,
            neck=lstm,
        ),
        flow=dict(
            init_cfg=dict(
                type="AdaptedPretrained", checkpoint="checkpoints/i3d_flow.pth"
            ),
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
