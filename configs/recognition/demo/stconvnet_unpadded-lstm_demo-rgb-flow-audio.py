# mim train mmstconv stconvnet_unpadded-lstm_demo-rgb-flow-audio.py
# Time is not padded, so overlapping windows of a long video share their features
# (tools/score_video.py). The same second as its parent in 16 frames instead of 8: three
# convolutions take 6 of them away.
_base_ = ["./stconvnet_lstm_demo-rgb-flow-audio.py"]

opened = dict(type="OpenMedia")
clip = dict(type="SampleClips", clip_len=16, fps=16)
train_pipeline = [opened, clip, *_base_.train_pipeline[2:]]
test_pipeline = [opened, dict(clip, test_mode=True), *_base_.test_pipeline[2:]]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

unpadded = dict(backbone=dict(temporal_padding=False))
model = dict(streams=dict(rgb=unpadded, flow=unpadded))
