# mim train mmstconv stconvnet_lstm_demo-rgb.py
# RGB alone: colour, and motion through 3D convolution; at most 50 %.
_base_ = ["./stconvnet_lstm_demo-rgb-flow-audio.py"]

from mmstconv.pipelines import change_steps

change_steps(_base_, modalities=["rgb"])
model = dict(
    streams=dict(_delete_=True, rgb=_base_.model.streams.rgb),
)

train_dataloader = dict(batch_size=8)

# Motion is learnt late from frames alone: more and smaller steps.
param_scheduler = [dict(type="MultiStepLR", by_epoch=True, milestones=[30], gamma=0.1)]
train_cfg = dict(max_epochs=36, val_interval=12)
