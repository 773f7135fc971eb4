"""What a language model says of a prefix, against loops that are plain to see."""

from __future__ import annotations

import itertools

import pytest
import torch
from helpers_captions import PROMPT, SENTENCES, SOUNDLESS, build_head, fused_of
from helpers_language import KINDS, needs_transformers, write_language_model

needs_transformers()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("language")
    return {kind: write_language_model(root / kind, kind) for kind in KINDS}


def next_log_probs(language, context, ids):
    """Of the token behind ``ids``, by a forward pass over all of it, nothing padded."""
    model = language.model
    start = [model.config.decoder_start_token_id] if language.decodes else []
    if language.decodes:
        out = model(
            inputs_embeds=context[None], decoder_input_ids=torch.tensor([start + ids])
        )
    else:
        out = model(inputs_embeds=torch.cat([context, language.embed(ids)])[None])
    return out.logits[0, -1].log_softmax(-1)


def greedy(language, context, count):
    ids, score = [], 0.0
    for _ in range(count):
        found = next_log_probs(language, context, ids)
        ids.append(int(found.argmax()))
        score += float(found.max())
        if ids[-1] == language.end:
            break
    return language.text(ids), score / len(ids)


@torch.no_grad()
def test_captions_equal_a_naive_greedy_loop(folders):
    """Prompts of several lengths in one batch: what pads them changes nothing."""
    wrong = []
    for kind, folder in folders.items():
        head = build_head(folder, **PROMPT)
        fused = fused_of(presence=SOUNDLESS, lengths=(5, 4, 2))
        contexts = head.contexts(fused)
        assert len({len(one) for one in contexts}) == 2
        for context, found in zip(contexts, head.caption(fused)):
            text, score = greedy(head.language, context, 6)
            if text != found.text or abs(score - found.score) > 1e-4:
                wrong.append((kind, text, score, found))
    assert not wrong, wrong


@torch.no_grad()
def test_the_loss_is_that_of_each_sentence_by_itself(folders):
    wrong = []
    for kind, folder in folders.items():
        head = build_head(folder, **PROMPT)
        fused = fused_of(presence=SOUNDLESS)
        language = head.language
        losses = []
        for context, sentence in zip(head.contexts(fused), SENTENCES):
            ids = language.sentence(sentence)
            losses += [
                -float(next_log_probs(language, context, ids[:k])[token])
                for k, token in enumerate(ids)
            ]
        found = float(head.token_loss(fused, SENTENCES))
        if abs(found - sum(losses) / len(losses)) > 1e-4:
            wrong.append((kind, found))
    assert not wrong, wrong


@torch.no_grad()
def test_beams_find_the_best_of_all_sentences(folders):
    """As many beams as words: all sentences of one or two tokens are looked at."""
    folder = folders["llama"]
    head = build_head(folder)
    language = head.language
    words = len(language.tokenizer)
    beams = build_head(folder, generation=dict(max_new_tokens=2, num_beams=words))
    fused = fused_of()
    better = 0
    for row, context in enumerate(head.contexts(fused)):
        first = next_log_probs(language, context, [])
        scores = {(language.end,): float(first[language.end])}
        for a, b in itertools.product(range(words), repeat=2):
            if a == language.end:
                continue
            if b == 0:
                second = next_log_probs(language, context, [a])
            scores[a, b] = (float(first[a]) + float(second[b])) / 2
        best = max(scores, key=scores.get)
        found = beams.caption(fused)[row]
        assert found.text == language.text(best)
        assert found.score == pytest.approx(scores[best], abs=1e-4)
        better += found.score > greedy(language, context, 2)[1] + 1e-4
    assert better  # than greedily, or this shows nothing


def test_samples_are_drawn_as_often_as_the_model_says(folders):
    head = build_head(
        folders["gpt2"], generation=dict(max_new_tokens=1, do_sample=True)
    )
    fused = fused_of(clips=1)
    probs = next_log_probs(head.language, head.contexts(fused)[0], []).exp()
    torch.manual_seed(0)
    many = head.contexts(fused) * 4000
    drawn = torch.tensor([ids[0] for ids in head.language.write(many)])
    share = torch.bincount(drawn, minlength=len(probs)) / 4000
    assert (share - probs).abs().max() < 0.04  # five deviations at a half


def test_a_word_is_never_said_however_it_is_spelled():
    """Tokens are parts of words: 'tone' can be said in eight ways, and more."""
    from tokenizers import Tokenizer, decoders, models
    from transformers import PreTrainedTokenizerFast

    from mmstconv.models.heads.language import UnsaidWords

    parts = [
        *("tone", "ton", "e", "to", "ne", "t", "o", "n", "s", " tone", " to", " "),
        *("a", "A", " stone", "Tone", " t", "tone.", ", tone a", "one", "ones"),
    ]
    vocab = {part: i for i, part in enumerate(["</s>", *parts])}
    backend = Tokenizer(models.WordLevel(vocab, unk_token="a"))
    backend.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>")
    banned = UnsaidWords(tokenizer, [frozenset(["tone"])])
    free = UnsaidWords(tokenizer, [frozenset()])
    random = torch.Generator().manual_seed(0)

    def said(processor):
        ids = torch.zeros(1, 0, dtype=torch.long)
        for _ in range(12):
            scores = processor(ids, torch.zeros(1, len(vocab)))
            token = torch.multinomial(scores.softmax(-1), 1, generator=random)
            ids = torch.cat([ids, token], 1)
        text = tokenizer.decode(ids[0], skip_special_tokens=True).lower()
        return any(word == "tone" for word in "".join(
            c if c.isalnum() else " " for c in text).split())  # fmt: skip

    assert not any(said(banned) for _ in range(300))
    assert sum(said(free) for _ in range(300)) > 30
    scores = banned(torch.tensor([[vocab["s"], vocab["to"]]]), torch.zeros(1, 22))
    assert scores[0, vocab["ne"]] == 0  # stone may be said


def test_words_of_sound_are_not_said_without_it(folders):
    options = dict(
        generation=dict(max_new_tokens=12, do_sample=True, temperature=3.0),
        needs=dict(audio=["tone", "sounds"]),
    )
    culprits, heard = [], 0
    for kind in ("gpt2", "llama", "t5"):
        head = build_head(folders[kind], **options)
        torch.manual_seed(0)
        fused = fused_of(clips=60, presence=dict(audio=torch.arange(60) < 30))
        words = [set(one.text.split()) for one in head.caption(fused)]
        said = [bool(one & {"tone", "sounds"}) for one in words]
        culprits += [kind for one in said[30:] if one]
        heard += sum(said[:30])
    assert not culprits and heard > 10


def test_beams_keep_to_it_too(folders):
    kwargs = dict(generation=dict(max_new_tokens=8, num_beams=3))
    free = build_head(folders["gpt2"], **kwargs)
    fused = fused_of(clips=8, presence=dict(audio=torch.arange(8) < 4))
    first = {one.text.split()[0] for one in free.caption(fused) if one.text}
    bound = build_head(folders["gpt2"], needs=dict(audio=sorted(first)), **kwargs)
    after = [set(one.text.split()) for one in bound.caption(fused)]
    assert not any(words & first for words in after[4:])
    assert any(words & first for words in after[:4])
