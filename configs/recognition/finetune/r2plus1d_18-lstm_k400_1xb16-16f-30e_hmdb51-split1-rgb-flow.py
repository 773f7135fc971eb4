# mim train mmstconv r2plus1d_18-lstm_k400_1xb16-16f-30e_hmdb51-split1-rgb-flow.py
# Weights: as for UCF101.
# Tran 2018, 34 layers, two streams, mean of three splits: 78.7; 18 layers, RGB alone
# (Alwassel 2020): 65.1. Ours: not measured.
_base_ = [
    "./r2plus1d_18-lstm_k400_1xb16-16f-30e_ucf101-split1-rgb-flow.py",
    "../../_base_/datasets/hmdb51_split1.py",
]

model = dict(cls_head=dict(num_classes=51))
train_dataloader = dict(dataset=_base_.hmdb51.train)
val_dataloader = dict(dataset=_base_.hmdb51.val)
test_dataloader = dict(dataset=_base_.hmdb51.val)
