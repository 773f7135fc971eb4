# mim train mmstconv stconvnet_pointwise-mean_demo-audio.py
# The ablation: the mean over time in place of the LSTM. A rising and a falling glide
# have the same mean, so this one is at chance.
_base_ = ["./stconvnet_pointwise-lstm_demo-audio.py"]

model = dict(
    streams=dict(audio=dict(neck=dict(_delete_=True, type="PoolNeck"))),
    joint=dict(temporal=dict(type="MeanOverTime")),
)
