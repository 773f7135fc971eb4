# mim train mmstconv stconvnet_lstm_demo-rgb-flow-audio_dropout.py
# Modality dropout: in training each modality is missing from a fifth of the samples,
# so that none is leant on alone and the model knows what to do without it.
_base_ = ["../demo/stconvnet_lstm_demo-rgb-flow-audio.py"]

model = dict(
    modality_dropout=dict(rgb=0.2, flow=0.2, audio=0.2),
    cls_head=dict(score_subsets=True),
)
val_evaluator = [_base_.val_evaluator, dict(type="ModalityMetric")]
test_evaluator = val_evaluator
