# mim train mmstconv r3d_18-lstm_k400_1xb16-16f-30e_ucf101-split1-rgb-flow.py
# python tools/convert_checkpoint.py r3d_18-b3b3357e.pth --out checkpoints/r3d_18.pth
# Its paper (Tran 2018) reports none for UCF101. Ours: not measured.
_base_ = ["./r2plus1d_18-lstm_k400_1xb16-16f-30e_ucf101-split1-rgb-flow.py"]

start = dict(
    init_cfg=dict(checkpoint="checkpoints/r3d_18.pth"), backbone=dict(arch="r3d_18")
)
model = dict(streams=dict(rgb=start, flow=start))
