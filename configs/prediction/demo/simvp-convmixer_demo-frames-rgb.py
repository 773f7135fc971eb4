# mim train mmstconv simvp-convmixer_demo-frames-rgb.py
# SimVP-ConvMixer at 2 M parameters, beside frame-mixer_demo-frames-rgb-flow-audio.py:
# as many epochs as take it the same processor time.
_base_ = ["./frame-mixer_demo-frames-rgb-flow-audio.py"]

model = dict(
    network=dict(
        _delete_=True,
        type="SimVPNetwork",
        seen=8,
        channels=3,
        spatial_channels=16,
        hidden_channels=480,
        kernel_size=7,
    ),
    score_subsets=False,
)
train_cfg = dict(max_epochs=4, val_interval=4)
