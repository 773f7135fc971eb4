# mim train mmstconv stconvnet_lstm_demo-attributes-rgb-flow-audio.py
# Several classes a file, or none: is the object cool, does it go down, does its sound
# fall? Flow knows the second, audio the third. After 10 epochs on half of the training
# files (160) the mAP on 40 others was 1.0.
_base_ = ["../demo/stconvnet_lstm_demo-rgb-flow-audio.py"]

model = dict(
    joint=dict(fusion=dict(type="GatedMultimodalUnit", channels=128)),
    cls_head=dict(
        num_classes=3,
        multi_class=True,  # BCELossWithLogits, sigmoids
        aux_loss_weight=0.3,
        score_subsets=True,
    ),
)

root = _base_.data_root
labels = dict(
    num_classes=3,
    multi_class=True,  # lines of `path label label ...`, or `path` alone
    metainfo=dict(classes=f"{root}/attributes.txt"),
)
train_dataloader = dict(dataset=dict(ann_file=f"{root}/train_attributes.txt", **labels))
val_dataloader = dict(dataset=dict(ann_file=f"{root}/val_attributes.txt", **labels))
test_dataloader = dict(dataset=dict(ann_file=f"{root}/test_attributes.txt", **labels))

# Without a metric_list the labels decide: mean_average_precision (over classes) and
# mmit_mean_average_precision (over samples).
val_evaluator = [dict(type="GatheredAccMetric"), dict(type="ModalityMetric")]
test_evaluator = val_evaluator
train_cfg = dict(val_interval=5)
default_hooks = dict(checkpoint=dict(save_best="acc/mean_average_precision"))
