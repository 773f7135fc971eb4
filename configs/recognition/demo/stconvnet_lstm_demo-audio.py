# mim train mmstconv stconvnet_lstm_demo-audio.py
# Audio alone: the glide; at most 25 %. No frame is decoded.
_base_ = ["./stconvnet_lstm_demo-rgb-flow-audio.py"]

from mmstconv.pipelines import change_steps

change_steps(_base_, modalities=["audio"])
model = dict(
    streams=dict(_delete_=True, audio=_base_.model.streams.audio),
)
