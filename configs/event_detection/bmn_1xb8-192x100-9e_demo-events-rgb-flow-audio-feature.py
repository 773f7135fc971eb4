# mim train mmstconv bmn_1xb8-192x100-9e_demo-events-rgb-flow-audio-feature.py
# MMAction2's BMN on the features of our three streams, 64 channels each. First:
# python -m mmstconv cache-steps CONFIG CHECKPOINT --mmaction2-csv data/events/mmaction2
_base_ = ["mmaction::localization/bmn/bmn_2xb8-400x100-9e_activitynet-feature.py"]

data_root = "data/events/mmaction2"
features = dict(video=f"{data_root}/csv")
work_dir = "work_dirs/bmn_192x100_demo-events"

custom_imports = dict(imports=["mmstconv"], allow_failed_imports=False)
model = dict(feat_dim=192)
train_dataloader = dict(
    num_workers=1,
    dataset=dict(ann_file=f"{data_root}/train.json", data_prefix=features),
)
val_dataloader = dict(
    num_workers=1,
    dataset=dict(ann_file=f"{data_root}/val.json", data_prefix=features),
)
test_dataloader = dict(
    num_workers=1,
    dataset=dict(ann_file=f"{data_root}/test.json", data_prefix=features),
)
val_evaluator = dict(dump_config=dict(out=f"{work_dir}/results.json"))
test_evaluator = val_evaluator
