# mim train mmstconv stlite_unpadded-lstm_1xb32-32f-50e_ucf101-split1-rgb-flow-audio.py
# The default network for long videos and cameras: time is not padded, so overlapping
# windows share their features (tools/long_video.py, mmstconv.apis.StreamingRecognizer).
# Windows of 32 frames, 2.67 s, of which 11 steps are left for the LSTM.
# Accuracy: not measured.
_base_ = ["./stlite_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py"]

clip = dict(type="SampleClips", clip_len=32, fps=12)
opened = dict(type="OpenMedia")
train_clip = [opened, clip]
val_clip = [opened, dict(clip, test_mode=True)]
test_clip = [opened, dict(clip, test_mode=True, num_clips=10)]
train_pipeline = [*train_clip, *_base_.load, *_base_.train_frames, *_base_.derive]
val_pipeline = [*val_clip, *_base_.load, *_base_.test_frames, *_base_.derive]
test_pipeline = [*test_clip, *_base_.load, *_base_.test_frames, *_base_.derive]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

unpadded = dict(backbone=dict(temporal_padding=False))
model = dict(streams=dict(rgb=unpadded, flow=unpadded))
