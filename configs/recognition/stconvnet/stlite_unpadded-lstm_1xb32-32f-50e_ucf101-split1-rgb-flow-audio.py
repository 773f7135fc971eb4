# mim train mmstconv stlite_unpadded-lstm_1xb32-32f-50e_ucf101-split1-rgb-flow-audio.py
# The default network for long videos and cameras: time is not padded, so overlapping
# windows share their features (tools/score_video.py, StreamingRecognizer).
# Windows of 32 frames, 2.67 s, of which 11 steps are left for the LSTM.
# Accuracy: not measured.
_base_ = ["./stlite_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py"]

opened = dict(type="OpenMedia")
clip = dict(type="SampleClips", clip_len=32, fps=12)
val_window = dict(clip, test_mode=True)
test_window = dict(val_window, num_clips=10)
train_pipeline = [opened, clip, *_base_.train_pipeline[2:]]
val_pipeline = [opened, val_window, *_base_.val_pipeline[2:]]
test_pipeline = [opened, test_window, *_base_.test_pipeline[2:]]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

unpadded = dict(backbone=dict(temporal_padding=False))
model = dict(streams=dict(rgb=unpadded, flow=unpadded))
