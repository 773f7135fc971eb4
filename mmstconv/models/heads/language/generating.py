"""Sentences from a language model, by its own ``generate``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from .loading import needed_package
from .unsaid_words import UnsaidWords

if TYPE_CHECKING:
    from .language_model import LanguageModel

DEFAULTS = dict(max_new_tokens=32, num_beams=1, do_sample=False)


def generation_config(config, end: int, pad: int, options: Mapping | None):
    """How sentences are made: greedily, by beams or by sampling.

    What the folder's own ``generation_config.json`` says does not count.

    Args:
        config: Of the model.
        end: Id of the token that ends a sentence.
        pad: Id of the token that fills a batch.
        options: Arguments of transformers' ``GenerationConfig``.

    Raises:
        ValueError: An option is unknown, or they do not go together.
    """
    hf = needed_package("transformers")
    made = hf.GenerationConfig.from_model_config(config)
    options = {**DEFAULTS, **(options or {})}
    unknown = made.update(**options, eos_token_id=end, pad_token_id=pad)
    if unknown:
        raise ValueError(
            f"generation: {sorted(unknown)} is no option of transformers' "
            "GenerationConfig; num_beams, do_sample, top_p, temperature, "
            "max_new_tokens and others are"
        )
    if (made.num_return_sequences or 1) != 1 or made.return_dict_in_generate:
        raise ValueError(
            "generation: a clip gets one sentence and nothing else, leave out "
            "num_return_sequences and return_dict_in_generate"
        )
    try:
        made.validate()
    except ValueError as error:
        raise ValueError(f"generation: {error}") from error
    return made


def written(
    language: LanguageModel,
    context: Tensor,
    here: Tensor,
    unsaid: Sequence[frozenset[str]],
) -> list[list[int]]:
    """Ids of a sentence behind each context, up to and with its end."""
    processors = []
    if any(unsaid):
        beams = language.model.generation_config.num_beams
        rows = [words for words in unsaid for _ in range(beams)]
        processors = [UnsaidWords(language.tokenizer, rows)]
    ids = language.model.generate(
        inputs_embeds=context,
        attention_mask=here.long(),
        logits_processor=processors,
    )
    if language.decodes:
        ids = ids[:, 1:]  # the token that begins decoding
    return [_until(row, language.end) for row in ids.tolist()]


def _until(ids: list[int], end: int) -> list[int]:
    return ids[: ids.index(end) + 1] if end in ids else ids
