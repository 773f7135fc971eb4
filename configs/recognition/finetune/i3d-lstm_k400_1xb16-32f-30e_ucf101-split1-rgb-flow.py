# mim train mmstconv i3d-lstm_k400_1xb16-32f-30e_ucf101-split1-rgb-flow.py
# python tools/convert_checkpoint.py rgb_imagenet.pt --out checkpoints/i3d_rgb.pth
# python tools/convert_checkpoint.py flow_imagenet.pt --out checkpoints/i3d_flow.pth
# Carreira 2017, table 5, mean of three splits: 98.0. Ours: not measured.
_base_ = [
    "../../_base_/default_runtime.py",
    "../../_base_/models/two_stream_i3d.py",
    "../../_base_/datasets/ucf101_split1_rgb_flow_224.py",
    "../../_base_/schedules/finetune_cosine.py",
]
