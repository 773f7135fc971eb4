# mim train mmstconv \
#     stlite_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio_device-flow.py
# For a GPU whose host is too slow to feed it: loader processes decode and no more; flow
# is computed beside the network, by TV-L1 where the parent has DIS.
# Accuracy: not measured.
_base_ = ["./stlite_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py"]

from mmstconv.pipelines import change_steps

change_steps(
    _base_,
    modalities=["rgb", "audio"],
    format=dict(keep_last_frame=True),
    pack=dict(
        meta_keys=[
            "filename",
            "presence",
            "clip_starts",
            "clip_duration",
            "frame_times",
        ]
    ),
)
model = dict(data_preprocessor=dict(flow=dict(type="TVL1Flow", shrink=2, bound=10.0)))
train_dataloader = dict(pin_memory=True)
