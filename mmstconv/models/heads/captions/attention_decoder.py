"""Words from steps: a recurrent decoder that looks at some of them each time."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from ...layers import at_least_float32


class Memory(nn.Module):
    """Steps that know what is before and after them: a bidirectional LSTM.

    Args:
        in_channels: Of the steps.
        channels: Out; half of them of each direction.

    Shape:
        - Input: ``(N, T, in_channels)``, and how many steps are real, ``(N,)`` on the
          host, or None.
        - Output: ``(N, T, channels)``, zeros at padding.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(
            in_channels, channels // 2, batch_first=True, bidirectional=True
        )

    def forward(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        if lengths is None or not len(x):
            return self.lstm(x)[0]
        packed = pack_padded_sequence(
            x, lengths, batch_first=True, enforce_sorted=False
        )
        return pad_packed_sequence(self.lstm(packed)[0], True, 0.0, x.shape[1])[0]


class AttentionDecoder(nn.Module):
    """LSTM with additive attention.

    `Neural Machine Translation by Jointly Learning to Align and Translate
    <https://arxiv.org/abs/1409.0473>`_ (Bahdanau et al. 2015), appendix A: scores
    ``v^T tanh(W s + U h)`` of each step by the decoder's last state, their softmax as
    weights. An LSTM stands in the place of the paper's gated unit, and begins from the
    mean of the steps.

    Args:
        words: Ids of the vocabulary.
        memory: Channels of the steps.
        channels: Of the decoder's state.
        embedding: Of a word.
        attention: Channels of the comparison.
        dropout_ratio: Of what the words are read from.

    Shape:
        - Input: words ``(N,)``, and the state that :meth:`begin` and the call before
          have given, tensors of N rows each.
        - Output: logits ``(N, words)``, and the next state.
    """

    def __init__(
        self,
        words: int,
        *,
        memory: int,
        channels: int,
        embedding: int,
        attention: int,
        dropout_ratio: float,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, embedding)
        self.begins = nn.Linear(memory, 2 * channels)
        self.key = nn.Linear(memory, attention, bias=False)  # U
        self.query = nn.Linear(channels, attention)  # W
        self.compare = nn.Linear(attention, 1, bias=False)  # v
        self.cell = nn.LSTMCell(embedding + memory, channels)
        self.dropout = nn.Dropout(dropout_ratio)
        self.out = nn.Linear(channels + memory, words)

    def begin(self, memory: Tensor, real: Tensor | None) -> tuple[Tensor, ...]:
        """The state before the first word.

        Args:
            memory: ``(N, T, memory)``, zeros at padding.
            real: Which steps are real, bool ``(N, T)``; None: all.
        """
        if real is None:
            real = memory.new_ones(memory.shape[:2], dtype=torch.bool)
        mean = memory.sum(1) / real.sum(1, keepdim=True)  # (N, memory)
        hidden, cell = self.begins(mean).tanh().chunk(2, dim=1)
        return hidden, cell, memory, self.key(memory), real

    def forward(
        self, words: Tensor, state: tuple[Tensor, ...]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        hidden, cell, memory, keys, real = state
        query = self.query(hidden)[:, None]  # (N, 1, attention)
        scores = self.compare((query + keys).tanh())[:, :, 0]  # (N, T)
        weights = scores.masked_fill(~real, float("-inf")).softmax(1)
        context = (weights[:, None] @ memory)[:, 0]  # (N, memory)
        read = torch.cat([self.embedding(words), context], dim=1)
        hidden, cell = self.cell(read, (hidden, cell))
        logits = self.out(self.dropout(torch.cat([hidden, context], dim=1)))
        return at_least_float32(logits), (hidden, cell, memory, keys, real)
