# mim train mmstconv stconvnet_pointwise-lstm_demo-audio.py
# Audio features that see one time step each, then the LSTM: the order of the steps
# reaches the head through the LSTM alone. Its twin without it is at chance.
_base_ = ["./stconvnet_lstm_demo-audio.py"]

pointwise = dict(channels=64, kernel_size=1)
model = dict(streams=dict(audio=dict(backbone=dict(stages=[pointwise, pointwise]))))
