# mim train mmstconv pyramid-online_stconvnet-lstm_demo-events-rgb-flow-audio.py
# For a camera (StreamingDetector): the head sees no later step, events are told when
# they have ended. Data, streams and cache are those of its base.
_base_ = ["./pyramid_stconvnet-lstm_demo-events-rgb-flow-audio.py"]

model = dict(cls_head=dict(causal=True))
