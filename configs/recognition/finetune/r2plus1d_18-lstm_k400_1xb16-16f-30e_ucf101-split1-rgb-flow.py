# mim train mmstconv r2plus1d_18-lstm_k400_1xb16-16f-30e_ucf101-split1-rgb-flow.py
# python tools/convert_checkpoint.py r2plus1d_18-91a641e6.pth \
#     --out checkpoints/r2plus1d_18.pth
# Tran 2018, 34 layers, two streams, mean of three splits: 97.3; 18 layers, RGB alone
# (Alwassel 2020): 94.2. Ours: not measured.
_base_ = [
    "../../_base_/default_runtime.py",
    "../../_base_/models/two_stream_r18.py",
    "../../_base_/datasets/ucf101_split1_rgb_flow_112.py",
    "../../_base_/schedules/finetune_cosine.py",
]

# what starts from the other modality learns faster
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={"streams.flow.backbone": dict(lr_mult=0.5)})
)
