# The streams of efficientnet_lite0_frozen.py with captions by SmolLM2-135M-Instruct
# (Apache-2.0), on cached steps: 24 in the window of four seconds.
#     pip install "mmstconv[language]"
#     python -m mmstconv download-weights get smollm2-135m-instruct
# The sentence begins right behind the vectors of the video, without a question.
_base_ = ["./efficientnet_lite0_frozen.py"]

model = dict(
    cached_steps=True,
    modality_dropout=dict(_delete_=True, rgb=0.3, flow=0.3, audio=0.3),
    joint=dict(steps=24, fusion=dict(_delete_=True, type="ConcatFusion")),
    cls_head=dict(
        _delete_=True,
        type="PrefixCaptionHead",
        language_model="checkpoints/smollm2-135m-instruct",
        tuning="frozen",
        num_prefix=8,
        prompt="{video}{absent}",
        absent=dict(audio=" There is no sound."),
        generation=dict(max_new_tokens=32),
    ),
)
