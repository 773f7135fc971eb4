# mim train mmstconv \
#     efficientnet-lite0-lstm_imagenet_1xb16-8f-30e_ucf101-split1-rgb-flow-audio.py
# pip install "mmstconv[pretrained]"
# 8 frames of 1.33 s. No paper reports this one. Ours: not measured.
_base_ = [
    "../../_base_/default_runtime.py",
    "../../_base_/models/efficientnet_lite0_trimodal.py",
    "../../_base_/datasets/ucf101_split1.py",
    "../../_base_/schedules/finetune_step.py",
]

from mmstconv.pipelines import change_steps

change_steps(_base_, clip=dict(clip_len=8, fps=6))
train_dataloader = dict(batch_size=16)
val_dataloader = dict(batch_size=16)
