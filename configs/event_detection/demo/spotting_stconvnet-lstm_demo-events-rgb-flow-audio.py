# mim train mmstconv spotting_stconvnet-lstm_demo-events-rgb-flow-audio.py
# Instants instead of segments: when each event begins, from tables file,time,label that
# tools/demo_tasks.py writes. Videos, streams and cache are those of its base.
_base_ = ["./pyramid_stconvnet-lstm_demo-events-rgb-flow-audio.py"]

starts = "work_dirs/demo_events/starts"
instants = dict(format="csv", subset=None)
train_dataloader = dict(
    dataset=dict(dataset=dict(ann_file=f"{starts}_training.csv", **instants))
)
val_dataloader = dict(dataset=dict(ann_file=f"{starts}_validation.csv", **instants))
test_dataloader = dict(dataset=dict(ann_file=f"{starts}_test.csv", **instants))
val_evaluator = dict(_delete_=True, type="TemporalSpottingMetric")
test_evaluator = val_evaluator

model = dict(
    cls_head=dict(
        _delete_=True, type="TemporalSpottingHead", num_classes=8, score_subsets=True
    )
)
