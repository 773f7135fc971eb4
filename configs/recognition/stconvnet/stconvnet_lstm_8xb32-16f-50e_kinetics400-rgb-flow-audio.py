# mim train mmstconv stconvnet_lstm_8xb32-16f-50e_kinetics400-rgb-flow-audio.py \
#     --launcher pytorch --gpus 8
# Accuracy: not measured.
_base_ = [
    "../../_base_/default_runtime.py",
    "../../_base_/models/stconvnet_trimodal.py",
    "../../_base_/datasets/kinetics400.py",
    "../../_base_/schedules/adam_step.py",
]

from mmstconv.pipelines import change_steps

# three crops of each of the ten clips, for all modalities together
change_steps(
    _base_,
    test=dict(
        frames=[
            dict(type="LoadFrames", short_side=112),
            dict(type="ThreeCrop", crop_size=112),
        ]
    ),
)
model = dict(cls_head=dict(num_classes=400))
