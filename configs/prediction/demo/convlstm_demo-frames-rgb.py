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
    score_subsets=False,
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_cfg = dict(max_epochs=3, val_interval=3)
