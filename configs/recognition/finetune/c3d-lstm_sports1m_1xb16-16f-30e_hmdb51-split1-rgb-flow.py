# mim train mmstconv c3d-lstm_sports1m_1xb16-16f-30e_hmdb51-split1-rgb-flow.py
# Weights: as for UCF101.
# Its paper (Tran 2015) reports none for HMDB51. Ours: not measured.
_base_ = [
    "./c3d-lstm_sports1m_1xb16-16f-30e_ucf101-split1-rgb-flow.py",
    "../../_base_/datasets/hmdb51_split1.py",
]

model = dict(cls_head=dict(num_classes=51))
train_dataloader = dict(dataset=_base_.hmdb51.train)
val_dataloader = dict(dataset=_base_.hmdb51.val)
test_dataloader = dict(dataset=_base_.hmdb51.val)
