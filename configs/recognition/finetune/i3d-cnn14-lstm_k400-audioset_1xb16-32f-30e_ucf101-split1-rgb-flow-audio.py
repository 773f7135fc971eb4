# mim train mmstconv \
#     i3d-cnn14-lstm_k400-audioset_1xb16-32f-30e_ucf101-split1-rgb-flow-audio.py
# python tools/convert_checkpoint.py Cnn14_mAP=0.431.pth --out checkpoints/cnn14.pth
# Video weights: as without sound. Cnn14 (PANNs) hears 4 s around the clip, at 32 kHz.
# Half of UCF101's classes have no sound: what is done about it stands in
# stconvnet_trimodal.py. No paper reports this one. Ours: not measured.
_base_ = ["./i3d-lstm_k400_1xb16-32f-30e_ucf101-split1-rgb-flow.py"]

from mmstconv.pipelines import change_steps

change_steps(
    _base_,
    modalities=["rgb", "flow", "audio"],
    sound=dict(sample_rate=32000, context=2.72),
    audio=dict(
        n_fft=1024,
        hop_length=320,
        f_min=50.0,
        f_max=14000.0,
        pad_mode="reflect",
        decibels=True,
        eps=1e-10,
    ),
)
model = dict(
    data_preprocessor=dict(
        # Cnn14 normalises the bands by itself
        preprocessors=dict(audio=dict(type="ActionDataPreprocessor"))
    ),
    streams=dict(
        audio=dict(
            init_cfg=dict(type="AdaptedPretrained", checkpoint="checkpoints/cnn14.pth"),
            backbone=dict(type="MelConvNet", arch="cnn14", norm_eval=True),
            neck=dict(type="LSTMTemporalNeck", hidden_channels=512),
        )
    ),
    modality_dropout=dict(audio=0.5),
    cls_head=dict(train_without=["audio"]),
)
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={"streams.audio.backbone": dict(lr_mult=0.1)})
)
