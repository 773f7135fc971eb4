"""Words from steps: what the decoder gives in half precision."""

from __future__ import annotations

import torch

from mmstconv.models.heads.captions.attention_decoder import AttentionDecoder


def test_words_are_compared_in_float32():
    decoder = AttentionDecoder(
        6, memory=4, channels=4, embedding=3, attention=2, dropout_ratio=0.0
    )
    words = torch.tensor([2, 0])
    with torch.autocast("cpu", torch.bfloat16):
        logits, _ = decoder(words, decoder.begin(torch.randn(2, 5, 4), None))
        log = logits.log_softmax(1)
    torch.testing.assert_close(log.exp().sum(1), torch.ones(2))
