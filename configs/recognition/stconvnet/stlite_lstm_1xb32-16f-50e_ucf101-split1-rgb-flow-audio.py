# mim train mmstconv stlite_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py
# The source article's setting with a network of a twentieth of the multiply-adds.
# Flow has half the size of the frames: it is smooth, and a quarter of the pixels did as
# well on the demo and the fusion settings (docs/performance.md).
# Accuracy: not measured.
_base_ = [
    "../../_base_/default_runtime.py",
    "../../_base_/models/stlite_trimodal.py",
    "../../_base_/datasets/ucf101_split1.py",
    "../../_base_/schedules/adam_step.py",
]

from mmstconv.pipelines import change_steps

change_steps(_base_, flow=dict(shrink=2, bound=10.0))
model = dict(data_preprocessor=dict(preprocessors=dict(flow=dict(std=[10.0, 10.0]))))
