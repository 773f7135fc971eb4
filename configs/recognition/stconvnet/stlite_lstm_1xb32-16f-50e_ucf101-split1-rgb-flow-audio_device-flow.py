# mim train mmstconv \
#     stlite_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio_device-flow.py
# For a GPU whose host is too slow to feed it: loader processes decode and no more; flow
# is computed beside the network, by TV-L1 where the parent has DIS.
# Accuracy: not measured.
_base_ = ["./stlite_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py"]

model = dict(data_preprocessor=dict(flow=dict(type="TVL1Flow", shrink=2, bound=10.0)))

loaded = ["rgb", "audio"]
pack = [
    dict(type="FormatClips", modalities=loaded, keep_last_frame=True),
    dict(
        type="PackActionInputs",
        collect_keys=loaded,
        meta_keys=["filename", "presence", "frame_times"],
    ),
]
replaced = ["ComputeFlow", "FormatClips", "PackActionInputs"]
train_pipeline = [s for s in _base_.train_pipeline if s["type"] not in replaced] + pack
val_pipeline = [s for s in _base_.val_pipeline if s["type"] not in replaced] + pack
test_pipeline = [s for s in _base_.test_pipeline if s["type"] not in replaced] + pack
train_dataloader = dict(pin_memory=True, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
