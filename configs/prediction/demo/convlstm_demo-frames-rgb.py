# mim train mmstconv convlstm_demo-frames-rgb.py
# The ConvLSTM of its paper at 2 M parameters, beside
# frame-mixer_demo-frames-rgb-flow-audio.py: as many epochs as take it the same
# processor time.
_base_ = ["./frame-mixer_demo-frames-rgb-flow-audio.py"]

model = dict(
    network=dict(
        _delete_=True,
        type="ConvLSTMNetwork",
        seen=8,
        future=8,
        channels=3,
        hidden=(64, 32, 32),
    ),
    modality_dropout=None,
    score_subsets=False,
)
# one epoch of warm-up of three
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
train_cfg = dict(max_epochs=3, val_interval=3)
