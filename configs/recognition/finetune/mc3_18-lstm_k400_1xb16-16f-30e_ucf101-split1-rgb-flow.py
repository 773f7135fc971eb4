# mim train mmstconv mc3_18-lstm_k400_1xb16-16f-30e_ucf101-split1-rgb-flow.py
# python tools/convert_checkpoint.py mc3_18-a90a0ba3.pth --out checkpoints/mc3_18.pth
# Its paper (Tran 2018) reports none for UCF101. Ours: not measured.
_base_ = ["./r2plus1d_18-lstm_k400_1xb16-16f-30e_ucf101-split1-rgb-flow.py"]

start = dict(
    init_cfg=dict(checkpoint="checkpoints/mc3_18.pth"), backbone=dict(arch="mc3_18")
)
model = dict(streams=dict(rgb=start, flow=start))
