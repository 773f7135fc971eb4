# mim train mmstconv stconvnet_lstm_demo-rgb-flow-audio_blend.py
# Gradient Blending, online: after each second epoch the losses are weighed anew, by
# how the streams and the fused scores generalise. Offline: apply=False, then the
# weights in gradient_blending.json go into cls_head of the auxiliary losses' config.
_base_ = ["./stconvnet_lstm_demo-rgb-flow-audio_aux.py"]

custom_hooks = [*_base_.custom_hooks, dict(type="GradientBlendingHook")]
train_cfg = dict(val_interval=2)
