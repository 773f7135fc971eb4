# mim train mmstconv stconvnet_lstm_demo-flow.py
# Flow alone: motion; at most 25 %.
_base_ = ["./stconvnet_lstm_demo-rgb-flow-audio.py"]

from mmstconv.pipelines import change_steps

change_steps(_base_, modalities=["flow"])
model = dict(
    streams=dict(_delete_=True, flow=_base_.model.streams.flow),
)
