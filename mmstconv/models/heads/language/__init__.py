"""A Hugging Face language model as a part of a head."""

from .language_model import TUNING, LanguageModel
from .prompt import Prompt
from .unsaid_words import UnsaidWords

__all__ = ["TUNING", "LanguageModel", "Prompt", "UnsaidWords"]
