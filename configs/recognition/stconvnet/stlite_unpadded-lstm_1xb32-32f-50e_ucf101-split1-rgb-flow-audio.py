# mim train mmstconv stlite_unpadded-lstm_1xb32-32f-50e_ucf101-split1-rgb-flow-audio.py
# The default network for long videos and cameras: time is not padded, so overlapping
# windows share their features (tools/score_video.py, StreamingRecognizer).
# Windows of 32 frames, 2.67 s, of which 11 steps are left for the LSTM.
# Accuracy: not measured.
_base_ = ["./stlite_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py"]

from mmstconv.pipelines import change_steps

change_steps(_base_, clip=dict(clip_len=32))
unpadded = dict(backbone=dict(temporal_padding=False))
model = dict(streams=dict(rgb=unpadded, flow=unpadded))
