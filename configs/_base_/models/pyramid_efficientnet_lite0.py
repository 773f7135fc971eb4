# The streams of efficientnet_lite0_frozen.py with a head for events along untrimmed
# videos, on cached steps: 24 in the window of four seconds. Streams are fused by
# concatenation, and the head learns from every subset of them.
_base_ = ["./efficientnet_lite0_frozen.py"]

model = dict(
    cached_steps=True,
    modality_dropout=dict(_delete_=True, rgb=0.3, flow=0.3, audio=0.3),
    joint=dict(steps=24, fusion=dict(_delete_=True, type="ConcatFusion")),
    cls_head=dict(
        _delete_=True, type="TemporalEventHead", num_classes=None, score_subsets=True
    ),
)
