"""Tiny language models with random weights, as folders of Hugging Face."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

WORDS = (
    *("a warm cool disc square moves up down before after rising falling".split()),
    *("tone sounds describe the video there is no sound . :".split()),
)
PAD, END, UNKNOWN = "<pad>", "</s>", "<unk>"
KINDS = ("gpt2", "llama", "qwen2", "t5")


def needs_transformers():
    """Skip unless the extra is installed."""
    pytest.importorskip("transformers", reason="mmstconv[language] is not installed")
    pytest.importorskip("peft", reason="mmstconv[language] is not installed")


def write_language_model(folder: Path, kind: str = "llama", seed: int = 0) -> Path:
    """A model of one of ``KINDS`` and its word-level tokenizer."""
    import transformers

    tokenizer = word_tokenizer()
    small = dict(
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(seed)
    if kind == "gpt2":
        config = transformers.GPT2Config(
            **small, n_positions=64, n_embd=16, n_layer=2, n_head=2
        )
        model = transformers.GPT2LMHeadModel(config)
    elif kind == "t5":
        config = transformers.T5Config(
            **small,
            decoder_start_token_id=tokenizer.pad_token_id,
            d_model=16,
            d_kv=8,
            d_ff=32,
            num_layers=2,
            num_heads=2,
        )
        model = transformers.T5ForConditionalGeneration(config)
    else:
        name = dict(llama="Llama", qwen2="Qwen2")[kind]
        config = getattr(transformers, f"{name}Config")(
            **small,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            max_position_embeddings=64,
        )
        model = getattr(transformers, f"{name}ForCausalLM")(config)
    with torch.no_grad():  # larger than they begin, so that answers differ
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.3)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def word_tokenizer():
    """One token a word."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast

    vocab = {word: i for i, word in enumerate((PAD, END, UNKNOWN, *WORDS))}
    tokenizer = Tokenizer(WordLevel(vocab, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, eos_token=END, unk_token=UNKNOWN
    )
