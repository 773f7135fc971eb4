# mim train mmstconv stconvnet_lstm_demo-rgb-flow-audio_gmu.py
# Another operator: gates decide at each of 4 time steps how much each modality says;
# then an average over time whose weights are learned.
_base_ = ["../demo/stconvnet_lstm_demo-rgb-flow-audio.py"]

model = dict(
    joint=dict(
        fusion=dict(type="GatedMultimodalUnit", channels=128),
        steps=4,
        temporal=dict(type="AttentionOverTime"),
    ),
    cls_head=dict(score_subsets=True),
)
val_evaluator = [_base_.val_evaluator, dict(type="ModalityMetric")]
test_evaluator = val_evaluator
