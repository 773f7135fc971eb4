# mim train mmstconv stlite_lstm_1xb32-16f-50e_ucf101-split1-extracted-rgb-flow-audio.py
# For those who have extracted everything: frames and flow as images, sound as features.
# Accuracy: not measured.
_base_ = [
    "../../_base_/default_runtime.py",
    "../../_base_/models/stlite_trimodal.py",
    "../../_base_/datasets/ucf101_split1_extracted.py",
    "../../_base_/schedules/adam_step.py",
]

# build_audio_features.py brings its 80 bands to 0..1
audio = dict(mean=[0.5], std=[0.25])
model = dict(
    data_preprocessor=dict(preprocessors=dict(audio=audio)),
    streams=dict(
        flow=dict(backbone=dict(arch="lite_half")),  # images of the size of the frames
        audio=dict(backbone=dict(n_mels=80)),
    ),
)
