# mim train mmstconv stconvnet_lstm_demo-rgb-flow.py
# The classic two streams: colour and motion, not the glide; at most 50 %.
_base_ = ["./stconvnet_lstm_demo-rgb-flow-audio.py"]

from mmstconv.pipelines import change_steps

change_steps(_base_, modalities=["rgb", "flow"])
model = dict(
    streams=dict(
        _delete_=True, rgb=_base_.model.streams.rgb, flow=_base_.model.streams.flow
    ),
)
