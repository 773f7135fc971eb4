# mim train mmstconv stconvnet_lstm_demo-rgb-flow-audio_ogm.py
# Gradient modulation: a stream that is ahead of the others learns slower, so that
# they catch up. For the first 8 of 10 epochs.
_base_ = ["../demo/stconvnet_lstm_demo-rgb-flow-audio.py"]

custom_hooks = [
    *_base_.custom_hooks,
    dict(type="GradientModulationHook", alpha=0.3, end=8),
]
