"""A language model that reads vectors before words: frozen, with LoRA, or tuned."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ....private_names import after_state_dict, uses_private
from .fingerprint import fingerprint
from .generating import generation_config, written
from .loading import load_folder, needed_package
from .padding import pad_left, pad_right

TUNING = ("frozen", "lora", "full")


@uses_private("_load_from_state_dict")
class LanguageModel(nn.Module):
    """A causal or an encoder-decoder model of a folder, and its tokenizer.

    Checkpoints hold what is tuned of it and a fingerprint of the folder's weights, but
    not the weights that stay as they are: these come from the folder each time. Copies
    of the module (an average over training) share them.

    Args:
        folder: What ``save_pretrained`` of transformers writes, or one GGUF file.
        tuning: ``'frozen'``, ``'lora'`` (`LoRA <https://arxiv.org/abs/2106.09685>`_, by
            peft) or ``'full'``.
        lora: Arguments of peft's ``LoraConfig``. None: all linear layers but the last,
            rank 8.
        generation: Arguments of transformers' ``GenerationConfig``.

    Raises:
        FileNotFoundError: There is no model in the folder.
        ValueError: It cannot be read, an argument does not fit, or a checkpoint is of
            another language model.
        ImportError: A package is missing; says how to install it.
    """

    def __init__(
        self,
        folder: str,
        *,
        tuning: str = "frozen",
        lora: Mapping | None = None,
        generation: Mapping | None = None,
    ) -> None:
        super().__init__()
        if tuning not in TUNING:
            raise ValueError(f"tuning is {tuning!r}, must be one of {TUNING}")
        if lora is not None and tuning != "lora":
            raise ValueError(f"lora is given, but tuning is {tuning!r}, not 'lora'")
        self.folder = folder
        self.tuning = tuning
        self.model, self.tokenizer = load_folder(folder)
        self.register_buffer("fingerprint", fingerprint(self.model))
        self.model.requires_grad_(tuning == "full")
        if tuning == "lora":
            self._add_lora(lora or {})
        weights = self.model.named_parameters("model", remove_duplicate=False)
        self.untuned = [name for name, one in weights if not one.requires_grad]
        self.decodes = bool(self.model.config.is_encoder_decoder)
        self.end = self.tokenizer.eos_token_id
        pad = self.tokenizer.pad_token_id
        self.model.generation_config = generation_config(
            self.model.config, self.end, self.end if pad is None else pad, generation
        )
        taken = inspect.signature(self.model.forward).parameters
        self._takes_places = "position_ids" in taken
        after_state_dict(self, _leave_out_untuned)

    def _add_lora(self, lora: Mapping) -> None:
        peft = needed_package("peft")
        # GPT-2's linear layers hold their weights transposed
        transposed = any(type(m).__name__ == "Conv1D" for m in self.model.modules())
        usual = dict(target_modules="all-linear", fan_in_fan_out=transposed)
        config = peft.LoraConfig(**{**usual, **lora})
        peft.inject_adapter_in_model(config, self.model)
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_("lora_" in name)

    @property
    def width(self) -> int:
        """Channels of what it reads."""
        return self.embeddings.weight.shape[1]

    @property
    def embeddings(self) -> nn.Module:
        """Of its tokens."""
        return self.model.get_input_embeddings()

    def train(self, mode: bool = True) -> LanguageModel:
        """One that stays as it is keeps its dropout off, too."""
        super().train(mode)
        if self.tuning == "frozen":
            self.model.eval()
        return self

    @property
    def special(self) -> tuple[list[int], list[int]]:
        """What the tokenizer puts before and behind a text that is read.

        A causal model goes on behind it, so there is nothing behind.
        """
        ids, plain = self.tokenizer("a").input_ids, self.tokens("a")
        start = next(i for i in range(len(ids)) if ids[i : i + len(plain)] == plain)
        return ids[:start], ids[start + len(plain) :] if self.decodes else []

    def tokens(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False).input_ids

    def sentence(self, text: str) -> list[int]:
        """Ids of a sentence, with its end."""
        return [*self.tokens(text.strip()), self.end]

    def text(self, ids: Sequence[int]) -> str:
        return self.tokenizer.decode(ids, skip_special_tokens=True).strip()

    def embed(self, ids: Sequence[int]) -> Tensor:
        """``(L, C)``, of no ids ``(0, C)``."""
        weight = self.embeddings.weight
        return self.embeddings(torch.tensor(ids, dtype=torch.long).to(weight.device))

    def log_probs(
        self, contexts: Sequence[Tensor], sentences: Sequence[Sequence[int]]
    ) -> tuple[Tensor, Tensor]:
        """Log probability of each token of given sentences.

        Args:
            contexts: What is read before, ``(L_i, C)`` each.
            sentences: Ids of each, with the end where it counts.

        Returns:
            ``(N, T)``, and which of these tokens are real, bool ``(N, T)``.
        """
        context, here = pad_left(contexts)  # (N, L, C), (N, L)
        ids, real = pad_right(sentences, self.end, context.device)  # (N, T)
        if self.decodes:
            out = self.model(
                inputs_embeds=context,
                attention_mask=here.long(),
                labels=torch.where(real, ids, -100),
                use_cache=False,
            )
            logits = out.logits  # (N, T, V)
        else:
            logits = self._logits_after(context, here, ids, real)
        logits = logits.float().log_softmax(-1)
        found = logits.gather(2, ids[:, :, None])[..., 0]
        return torch.where(real, found, 0.0), real

    def _logits_after(
        self, context: Tensor, here: Tensor, ids: Tensor, real: Tensor
    ) -> Tensor:
        """Of each token of a sentence behind a context, ``(N, T, V)``."""
        words = self.embeddings(ids[:, :-1]).to(context.dtype)
        mask = torch.cat([here, real[:, :-1]], 1)
        more = {}
        if self._takes_places:
            more["position_ids"] = (mask.cumsum(1) - 1).clamp(min=0)
        out = self.model(
            inputs_embeds=torch.cat([context, words], 1),
            attention_mask=mask.long(),
            use_cache=False,
            **more,
        )
        return out.logits[:, -ids.shape[1] :]

    @torch.no_grad()
    def write(
        self, contexts: Sequence[Tensor], unsaid: Sequence[frozenset[str]] = ()
    ) -> list[list[int]]:
        """Ids of a sentence behind each context, with its end if it has one.

        Args:
            contexts: ``(L_i, C)`` each.
            unsaid: Words that each sentence must not have.
        """
        return written(self, *pad_left(contexts), unsaid)

    def __deepcopy__(self, memo: dict) -> LanguageModel:
        shared = [self.tokenizer, *map(self.get_parameter, self.untuned)]
        memo.update({id(one): one for one in shared})
        copied = memo[id(self)] = type(self).__new__(type(self))
        for key, value in self.__dict__.items():
            copied.__dict__[key] = copy.deepcopy(value, memo)
        return copied

    def _load_from_state_dict(self, state_dict, prefix, *args) -> None:
        """What checkpoints leave out is taken as it is."""
        own = {f"{prefix}{name}": self.get_parameter(name) for name in self.untuned}
        self._check_origin(state_dict, prefix, own)
        state_dict.update(own)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _check_origin(self, weights: Mapping, prefix: str, own: Mapping) -> None:
        if any(key in weights for key in own):
            raise ValueError(
                "the checkpoint holds a language model that was tuned itself: "
                f"cls_head.tuning has to be 'full', it is {self.tuning!r}"
            )
        trained_with = weights.get(f"{prefix}fingerprint")
        tuned = any(key.startswith(f"{prefix}model.") for key in weights)
        if trained_with is None or (self.tuning == "full" and tuned):
            return
        if not torch.equal(trained_with.cpu(), self.fingerprint.cpu()):
            raise ValueError(
                "the checkpoint was trained with another language model than the one "
                f"in {self.folder!r} (cls_head.language_model): the weights differ"
            )


def _leave_out_untuned(module: LanguageModel, weights: dict, prefix: str, _) -> None:
    for name in module.untuned:
        weights.pop(f"{prefix}{name}", None)
