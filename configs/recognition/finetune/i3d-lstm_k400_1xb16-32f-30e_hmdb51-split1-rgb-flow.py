# mim train mmstconv i3d-lstm_k400_1xb16-32f-30e_hmdb51-split1-rgb-flow.py
# Weights: as for UCF101. HMDB51 is small: the RGB stem stays as it is.
# Carreira 2017, table 5, mean of three splits: 80.7. Ours: not measured.
_base_ = [
    "./i3d-lstm_k400_1xb16-32f-30e_ucf101-split1-rgb-flow.py",
    "../../_base_/datasets/hmdb51_split1.py",
]

model = dict(
    streams=dict(rgb=dict(backbone=dict(frozen_stages=1))),
    cls_head=dict(num_classes=51),
)
train_dataloader = dict(dataset=_base_.hmdb51.train)
val_dataloader = dict(dataset=_base_.hmdb51.val)
test_dataloader = dict(dataset=_base_.hmdb51.val)
