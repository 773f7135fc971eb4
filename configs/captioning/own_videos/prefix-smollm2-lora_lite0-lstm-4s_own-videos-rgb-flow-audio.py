# mim train mmstconv prefix-smollm2-lora_lite0-lstm-4s_own-videos-rgb-flow-audio.py
# Its base with LoRA of rank 8 in all linear layers of the language model; checkpoints
# hold these, not the language model. Ours: docs/captioning.md.
_base_ = ["./prefix-smollm2-frozen_lite0-lstm-4s_own-videos-rgb-flow-audio.py"]

model = dict(cls_head=dict(tuning="lora"))
