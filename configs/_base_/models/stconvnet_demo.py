# The same network as stconvnet_trimodal.py, small enough for two CPU cores: clips of
# 8 frames at 56 x 56 and one second of log-mel with 64 bands.
half = dict(mode="max", size=2)

model = dict(
    type="TriModalRecognizer",
    data_preprocessor=dict(
        type="TriModalDataPreprocessor",
        preprocessors=dict(
            rgb=dict(
                type="ActionDataPreprocessor",
                mean=[127.5, 127.5, 127.5],
                std=[64.0, 64.0, 64.0],
                format_shape="NCTHW",
            ),
            flow=dict(
                type="ActionDataPreprocessor",
                mean=[0.0, 0.0],
                std=[2.0, 2.0],
                format_shape="NCTHW",
            ),
            audio=dict(type="ActionDataPreprocessor", mean=[-8.0], std=[5.0]),
        ),
    ),
    streams=dict(
        rgb=dict(
            backbone=dict(
                type="STConvNet",
                in_channels=3,
                stages=[
                    dict(
                        channels=16,
                        kernel_size=(3, 5, 5),
                        stride=(1, 2, 2),
                        spatial_pool=half,
                    ),
                    dict(channels=32, spatial_pool=half),
                    dict(channels=64, temporal_pool=half),
                ],
            ),
            neck=dict(type="LSTMTemporalNeck", hidden_channels=64),
        ),
        flow=dict(
            backbone=dict(
                type="STConvNet",
                in_channels=2,
                stages=[
                    dict(channels=8, stride=(1, 2, 2), spatial_pool=half),
                    dict(channels=16, spatial_pool=half),
                    dict(channels=32, temporal_pool=half),
                ],
            ),
            neck=dict(type="LSTMTemporalNeck", hidden_channels=64),
        ),
        audio=dict(
            backbone=dict(
                type="AudioConvNet",
                in_channels=64,
                stages=[
                    dict(channels=64, pool=half),
                    dict(channels=64, pool=half),
                ],
            ),
            neck=dict(type="LSTMTemporalNeck", hidden_channels=64),
        ),
    ),
    joint=dict(fusion=dict(type="ConcatFusion")),  # the source article's
    cls_head=dict(
        type="TriModalFusionHead",
        num_classes=8,
        dropout_ratio=0.5,
        average_clips="prob",
    ),
)
