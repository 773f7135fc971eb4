# mim train mmstconv i3d-lstm_k400-step_1xb16-32f-30e_ucf101-split1-rgb-flow.py
# The same with Adam and step decay, as in the source article, in place of SGD, warm-up
# and cosine. Weights: as there. Ours: not measured.
_base_ = [
    "../../_base_/default_runtime.py",
    "../../_base_/models/two_stream_i3d.py",
    "../../_base_/datasets/ucf101_split1_rgb_flow_224.py",
    "../../_base_/schedules/finetune_step.py",
]
