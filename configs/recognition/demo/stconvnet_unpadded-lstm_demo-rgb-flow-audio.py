# mim train mmstconv stconvnet_unpadded-lstm_demo-rgb-flow-audio.py
# Time is not padded, so overlapping windows of a long video share their features
# (tools/score_video.py). The same second as its parent in 16 frames instead of 8: three
# convolutions take 6 of them away.
_base_ = ["./stconvnet_lstm_demo-rgb-flow-audio.py"]

from mmstconv.pipelines import change_steps

change_steps(_base_, clip=dict(clip_len=16, fps=16))
unpadded = dict(backbone=dict(temporal_padding=False))
model = dict(streams=dict(rgb=unpadded, flow=unpadded))
