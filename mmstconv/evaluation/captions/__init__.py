"""Agreement of sentences with those of people: functions of tokens.

They take tokens (:func:`tokenize`) of a sentence a sample, and of its references.
"""

from .bleu import bleu
from .cider import InverseFrequencies, both_ciders, cider, cider_d
from .dense import FilmCaptions, dense_scores, precision_recall
from .java_scores import meteor, spice, why_absent
from .rouge import rouge_l
from .slots import exact_match, slot_accuracy, slot_words
from .soda import best_in_order, soda_c
from .tokenizer import tokenize

__all__ = [
    "FilmCaptions",
    "InverseFrequencies",
    "best_in_order",
    "bleu",
    "both_ciders",
    "cider",
    "cider_d",
    "dense_scores",
    "exact_match",
    "meteor",
    "precision_recall",
    "rouge_l",
    "slot_accuracy",
    "slot_words",
    "soda_c",
    "spice",
    "tokenize",
    "why_absent",
]
