# The source article's network: per stream 3D (audio: 1D) convolution, decoupled
# temporal and spatial pooling, LSTM; concatenation, dropout, fully connected.
# C3D's depth with batch norm for RGB; the same at half the width for flow.
# Needs clips of 16 frames at 112 x 112 and log-mel with 64 bands.
lstm = dict(type="LSTMTemporalNeck", hidden_channels=256)
space = dict(mode="max", size=2)
time = dict(mode="max", size=2)

# Half of UCF101's classes have no sound. Sound is taken from half of the files that
# have it, and all are trained on without it: otherwise "no sound" alone would say that
# the class is a silent one (docs/fusion.md). Where all files have sound:
# modality_dropout=None and train_without=[].
model = dict(
    type="TriModalRecognizer",
    modality_dropout=dict(audio=0.5),
    data_preprocessor=dict(
        type="TriModalDataPreprocessor",
        preprocessors=dict(
            rgb=dict(
                type="ActionDataPreprocessor",
                mean=[114.75, 114.75, 114.75],
                std=[57.38, 57.38, 57.38],
                format_shape="NCTHW",
            ),
            # pixels between two frames -> [-1, 1] at the bound of 20
            flow=dict(
                type="ActionDataPreprocessor",
                mean=[0.0, 0.0],
                std=[20.0, 20.0],
                format_shape="NCTHW",
            ),
            # natural log of mel power
            audio=dict(type="ActionDataPreprocessor", mean=[-8.0], std=[5.0]),
        ),
    ),
    streams=dict(
        rgb=dict(
            backbone=dict(
                type="STConvNet",
                in_channels=3,
                stages=[
                    dict(channels=64, spatial_pool=space),
                    dict(channels=128, temporal_pool=time, spatial_pool=space),
                    dict(
                        channels=256,
                        num_blocks=2,
                        temporal_pool=time,
                        spatial_pool=space,
                    ),
                    dict(channels=512, num_blocks=2, spatial_pool=space),
                    dict(channels=512, num_blocks=2),
                ],
            ),
            neck=lstm,
        ),
        flow=dict(
            backbone=dict(
                type="STConvNet",
                in_channels=2,
                stages=[
                    dict(channels=32, spatial_pool=space),
                    dict(channels=64, temporal_pool=time, spatial_pool=space),
                    dict(
                        channels=128,
                        num_blocks=2,
                        temporal_pool=time,
                        spatial_pool=space,
                    ),
                    dict(channels=256, num_blocks=2, spatial_pool=space),
                    dict(channels=256, num_blocks=2),
                ],
            ),
            neck=lstm,
        ),
        audio=dict(
            backbone=dict(
                type="AudioConvNet",
                in_channels=64,
                stages=[
                    dict(channels=128, num_blocks=2, pool=dict(mode="max", size=2)),
                    dict(channels=256, num_blocks=2, pool=dict(mode="max", size=2)),
                    dict(channels=256, num_blocks=2, pool=dict(mode="max", size=2)),
                ],
            ),
            neck=lstm,
        ),
    ),
    joint=dict(fusion=dict(type="ConcatFusion")),  # the source article's
    cls_head=dict(
        type="TriModalFusionHead",
        num_classes=101,
        dropout_ratio=0.5,
        average_clips="prob",
        train_without=["audio"],
        score_subsets=True,
    ),
)
