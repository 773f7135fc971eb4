"""The most probable sentence, word by word."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

State = tuple[Tensor, ...]
Step = Callable[[Tensor, State], tuple[Tensor, State]]


class Found(NamedTuple):
    """The best sentence of each of N searches.

    Args:
        tokens: ``(N, L)``, the end and what is behind it as ``end``.
        score: Mean log probability of a token, the end included, ``(N,)``.
    """

    tokens: Tensor
    score: Tensor


def beam_search(
    step: Step, state: State, *, edge: int, beam: int, max_length: int
) -> Found:
    """Beam search over sentences; of one beam it takes the best word each time.

    Sentences of different lengths are compared by the mean log probability of a token;
    one that has ended stays among the others. One of ``max_length`` tokens is cut off.

    Args:
        step: Last tokens ``(R,)`` and state to log probabilities ``(R, V)`` of the next
            one, and its state. All tensors of a state have R rows.
        state: Of the N searches before the first word.
        edge: Token before the first word and behind the last.
        beam: Sentences that are followed at once.
        max_length: Tokens.
    """
    rows = len(state[0])
    state = tuple(x.repeat_interleave(beam, 0) for x in state)  # (N * K, ...)
    total = state[0].new_full((rows, beam), float("-inf"), dtype=torch.float64)
    total[:, 0] = 0  # all beams begin alike: one counts
    length = torch.zeros_like(total)
    done = torch.zeros_like(total, dtype=torch.bool)
    tokens = torch.full((rows, beam, 1), edge, device=total.device)
    first = torch.arange(rows, device=total.device)[:, None]  # (N, 1)
    for _ in range(max_length):
        if bool(done.all()):
            break
        log, state = step(tokens[:, :, -1].flatten(), state)
        log = log.unflatten(0, (rows, beam)).to(total.dtype)  # (N, K, V)
        stay = torch.full_like(log[0, 0], float("-inf"))
        stay[edge] = 0
        log = torch.where(done[:, :, None], stay, log)
        sums = total[:, :, None] + log
        lengths = (length + ~done)[:, :, None].clamp(min=1)
        best = (sums / lengths).flatten(1).topk(beam, dim=1).indices  # (N, K)
        parent = best // log.shape[2]
        word = best % log.shape[2]
        total = sums.flatten(1).gather(1, best)
        length = lengths[:, :, 0].gather(1, parent)
        done = done.gather(1, parent) | (word == edge)
        tokens = torch.cat([tokens[first, parent], word[:, :, None]], dim=2)
        state = tuple(x[(first * beam + parent).flatten()] for x in state)
    score = total / length.clamp(min=1)
    which = score.argmax(1)
    return Found(tokens[first[:, 0], which, 1:], score[first[:, 0], which])
