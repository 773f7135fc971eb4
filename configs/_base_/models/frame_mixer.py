# Frames to come, from pictures and their flow, and from sound where there is some:
# streams whose maps keep all steps and a quarter of the resolution, ConvMixer blocks
# over them, the last frame moved and mended. 8 frames to 8, 64 x 64, in colour; other
# sizes (divisible by 4) and lengths are the config's that inherits this.
unit = dict(
    type="ActionDataPreprocessor",
    mean=[0.0, 0.0, 0.0],
    std=[255.0, 255.0, 255.0],
    format_shape="NCTHW",
)
flow = dict(
    type="ActionDataPreprocessor", mean=[0.0, 0.0], std=[2.0, 2.0], format_shape="NCTHW"
)
half = dict(mode="max", size=2)

model = dict(
    type="FramePredictor",
    data_preprocessor=dict(
        type="TriModalDataPreprocessor",
        preprocessors=dict(
            rgb=unit,
            flow=flow,
            audio=dict(type="ActionDataPreprocessor", mean=[-8.0], std=[5.0]),
        ),
    ),
    network=dict(
        type="TrunkFrameNetwork",
        seen=8,
        future=8,
        channels=3,
        streams=dict(
            rgb=dict(
                backbone=dict(
                    type="STConvNet",
                    in_channels=3,
                    stages=[
                        dict(channels=16, stride=(1, 2, 2)),
                        dict(channels=32, stride=(1, 2, 2)),
                    ],
                )
            ),
            flow=dict(
                backbone=dict(
                    type="STConvNet",
                    in_channels=2,
                    stages=[
                        dict(channels=8, stride=(1, 2, 2)),
                        dict(channels=16, stride=(1, 2, 2)),
                    ],
                )
            ),
        ),
        conditions=dict(
            audio=dict(
                backbone=dict(
                    type="AudioConvNet",
                    in_channels=64,
                    stages=[
                        dict(channels=64, pool=half),
                        dict(channels=64, pool=half),
                    ],
                )
            )
        ),
        translator=dict(type="ConvMixerTranslator", channels=256, blocks=6),
    ),
    losses=[
        dict(type="FrameMSELoss"),
        dict(type="FrameL1Loss", weight=0.5),
        dict(type="FrameSSIMLoss", weight=0.05),
    ],
    modality_dropout=dict(flow=0.1, audio=0.2),
)
