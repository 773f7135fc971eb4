# mim train mmstconv stconvnet_unpadded-lstm_demo-rgb-flow-audio.py
# Time is not padded, so overlapping windows of a long video share their features
# (tools/long_video.py). The same second as its parent in 16 frames instead of 8: three
# convolutions take 6 of them away.
_base_ = ["./stconvnet_lstm_demo-rgb-flow-audio.py"]

clip = dict(type="SampleClips", clip_len=16, fps=16)
opened = dict(type="OpenMedia")
train_clip = [opened, clip]
test_clip = [opened, dict(clip, test_mode=True)]
derive = [*_base_.flow, *_base_.audio, *_base_.pack]
train_pipeline = [*train_clip, *_base_.train_frames, *derive]
test_pipeline = [*test_clip, *_base_.frames, *derive]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

unpadded = dict(backbone=dict(temporal_padding=False))
model = dict(streams=dict(rgb=unpadded, flow=unpadded))
