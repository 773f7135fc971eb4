"""Agreement of sentences with those of people: functions of tokens.

They take tokens (:func:`tokenize`) of a sentence a sample, and of its references.
"""

from .bleu import bleu
from .cider import InverseFrequencies, cider, cider_d
from .rouge import rouge_l
from .tokenizer import tokenize

__all__ = ["InverseFrequencies", "bleu", "cider", "cider_d", "rouge_l", "tokenize"]
