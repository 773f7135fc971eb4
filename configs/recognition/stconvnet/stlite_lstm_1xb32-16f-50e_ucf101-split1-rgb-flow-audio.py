# mim train mmstconv stlite_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py
# The source article's setting with a network of a twentieth of the multiply-adds.
# Accuracy: not measured.
_base_ = [
    "../../_base_/default_runtime.py",
    "../../_base_/models/stlite_trimodal.py",
    "../../_base_/datasets/ucf101_split1.py",
    "../../_base_/schedules/adam_step.py",
]
