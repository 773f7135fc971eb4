# mim train mmstconv stconvnet_lstm_demo-rgb-flow-audio_aux.py
# Auxiliary losses: each stream also has to know the class by itself. The metric
# compares all subsets of the modalities with the streams' own classifiers, and warns
# where the joint model is the worse one.
_base_ = ["../demo/stconvnet_lstm_demo-rgb-flow-audio.py"]

model = dict(cls_head=dict(aux_loss_weight=0.3, score_subsets=True))
val_evaluator = [_base_.val_evaluator, dict(type="ModalityMetric")]
test_evaluator = val_evaluator
