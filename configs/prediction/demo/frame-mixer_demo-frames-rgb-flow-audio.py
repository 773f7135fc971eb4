# python tools/demo_tasks.py --tasks demo_frames
# makes the data, trains this and measures it. By hand:
# mim train mmstconv frame-mixer_demo-frames-rgb-flow-audio.py
# A digit turns left or right; a glide beforehand says which. Maps of an eighth of the
# resolution and the moved picture: 1.7 M parameters that two processor cores train.
_base_ = [
    "../../_base_/default_runtime.py",
    "../../_base_/models/frame_mixer.py",
    "../../_base_/datasets/demo_frames.py",
    "../../_base_/schedules/frames_adamw.py",
]

model = dict(
    network=dict(
        streams=dict(
            rgb=dict(
                backbone=dict(
                    stages=[
                        dict(channels=16, kernel_size=(1, 5, 5), stride=(1, 2, 2)),
                        dict(channels=32, kernel_size=(1, 3, 3), stride=(1, 2, 2)),
                        dict(channels=48, kernel_size=(1, 3, 3), stride=(1, 2, 2)),
                    ]
                )
            ),
            flow=dict(
                backbone=dict(
                    stages=[
                        dict(channels=16, kernel_size=(1, 3, 3), stride=(1, 2, 2)),
                        dict(channels=32, kernel_size=(1, 3, 3), stride=(1, 2, 2)),
                    ]
                )
            ),
        ),
        # a picture of the sound: a glide looks the same at every pitch
        conditions=dict(
            audio=dict(
                backbone=dict(
                    _delete_=True,
                    type="MelConvNet",
                    n_mels=64,
                    stages=[
                        dict(channels=16, pool=dict(mode="max", size=2)),
                        dict(channels=32, pool=dict(mode="max", size=2)),
                        dict(channels=64),
                    ],
                )
            )
        ),
        translator=dict(channels=320, blocks=8),
    ),
    losses=[dict(type="FrameMSELoss")],  # what the bound is of
    modality_dropout=dict(flow=0.2, audio=0.25),
    score_subsets=True,
)
optim_wrapper = dict(optimizer=dict(lr=3e-3))
# one epoch of warm-up
param_scheduler = [
    dict(
        type="LinearLR",
        start_factor=0.01,
        by_epoch=True,
        begin=0,
        end=1,
        convert_to_iter_based=True,
    ),
    dict(
        type="CosineAnnealingLR",
        eta_min_ratio=0.01,
        by_epoch=True,
        begin=1,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(max_epochs=10, val_interval=10)
default_hooks = dict(checkpoint=dict(interval=5, max_keep_ckpts=1, save_best=None))
randomness = dict(seed=0)
