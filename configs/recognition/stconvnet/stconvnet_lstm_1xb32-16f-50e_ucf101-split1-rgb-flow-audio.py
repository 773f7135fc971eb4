# mim train mmstconv stconvnet_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py
# The source article's setting; from scratch. Accuracy: not measured.
_base_ = [
    "../../_base_/default_runtime.py",
    "../../_base_/models/stconvnet_trimodal.py",
    "../../_base_/datasets/ucf101_split1.py",
    "../../_base_/schedules/adam_step.py",
]
