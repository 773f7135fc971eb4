# mim train mmstconv s3d-lstm_k400_1xb16-32f-30e_hmdb51-split1-rgb-flow.py
# Weights: as for UCF101.
# Xie 2018, S3D-G on RGB alone, mean of three splits:
# 75.9 (not verified). Ours: not measured.
_base_ = [
    "./s3d-lstm_k400_1xb16-32f-30e_ucf101-split1-rgb-flow.py",
    "../../_base_/datasets/hmdb51_split1.py",
]

model = dict(cls_head=dict(num_classes=51))
train_dataloader = dict(dataset=_base_.hmdb51.train)
val_dataloader = dict(dataset=_base_.hmdb51.val)
test_dataloader = dict(dataset=_base_.hmdb51.val)
