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

model = dict(data_preprocessor=dict(preprocessors=dict(flow=dict(std=[10.0, 10.0]))))
half_flow = dict(type="ComputeFlow", method="dis_fast", shrink=2, bound=10.0)
steps = dict(ComputeFlow=half_flow)
train_pipeline = [steps.get(s["type"], s) for s in _base_.train_pipeline]
val_pipeline = [steps.get(s["type"], s) for s in _base_.val_pipeline]
test_pipeline = [steps.get(s["type"], s) for s in _base_.test_pipeline]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
