"""Heads of captions: what they say, learn, leave unsaid and refuse."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from mmaction.structures import ActionDataSample

from mmstconv.models import Caption, Features, Joint, LSTMCaptionHead
from mmstconv.models.heads.captions.beam_search import beam_search

WIDTHS = dict(rgb=5, audio=4)
WORDS = ["disc", "moves", "up", "down", "tone", "sounds"]
LENGTHS = (6, 3, 5)


def joint():
    return Joint(WIDTHS, fusion=dict(type="ConcatFusion"), over_time="steps")


def built(seed=0, spread=1.0, **kwargs):
    torch.manual_seed(seed)
    kwargs = {"words": WORDS, "vocabulary_size": 10, "channels": 8, **kwargs}
    head = LSTMCaptionHead(sum(WIDTHS.values()), **kwargs).eval()
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=spread)
    return head


def features(lengths=LENGTHS, presence=None):
    feats = {name: torch.randn(3, 6, d) for name, d in WIDTHS.items()}
    for x in feats.values():
        for row, length in enumerate(lengths):
            x[row, length:] = torch.nan  # what pads is not read
    lengths = dict.fromkeys(WIDTHS, torch.tensor(lengths))
    window = torch.tensor([[0.0, 3.0]] * 3)
    return Features(feats, presence or {}, lengths, window, common=True)


def alone(whole, row):
    """A clip of a padded batch by itself, without its padding."""
    length = whole.lengths["rgb"][row]
    feats = {name: x[row : row + 1, :length] for name, x in whole.feats.items()}
    presence = {name: x[row : row + 1] for name, x in whole.presence.items()}
    return Features(feats, presence, common=True)


def samples_of(*texts):
    return [
        ActionDataSample(gt_captions=text, metainfo=dict(filename=f"{k}.mp4"))
        for k, text in enumerate(texts)
    ]


def test_a_padded_batch_says_what_each_says_alone():
    presence = dict(audio=torch.tensor([True, False, True]))
    whole = features(presence=presence)
    texts = ["disc moves up", "tone sounds", "disc"]
    for beam in (1, 3):
        head = built(beam=beam)
        together = head.caption(joint()(whole))
        assert len({one.text for one in together}) > 1
        for row, one in enumerate(together):
            single = joint()(alone(whole, row))
            (again,) = head.caption(single)
            assert again.text == one.text
            assert again.score == pytest.approx(one.score, abs=1e-5)
    logits, _ = head.word_logits(joint()(whole), texts)
    for row, text in enumerate(texts):
        own, wanted = head.word_logits(joint()(alone(whole, row)), [text])
        torch.testing.assert_close(logits[row, : wanted.shape[1]], own[0])


def test_the_loss_is_the_mean_over_words_and_ends():
    head, whole = built(), features()
    texts = ["disc moves up", "a strange tone", "disc"]
    loss = head.loss(joint()(whole), samples_of(*[[one] for one in texts]))
    known = {word: k for k, word in enumerate(WORDS, 2)}
    errors = []
    for row, text in enumerate(texts):
        ids = [known.get(word, 1) for word in text.split()] + [0]  # 1: not known
        state = head.begin(joint()(alone(whole, row)))
        for last, word in zip([0, *ids], ids):
            logits, state = head.decoder(torch.tensor([last]), state)
            errors.append(-logits.double().log_softmax(1)[0, word])
    assert len(errors) == 4 + 4 + 2
    torch.testing.assert_close(
        loss["loss_caption"].double(), torch.stack(errors).mean()
    )


def test_attention_is_that_of_the_paper():
    """Appendix A.1.2: e_j = v^T tanh(W s + U h_j), in plain loops."""
    head = built().double()
    decoder = head.decoder
    memory = torch.randn(1, 4, 8).double()
    real = torch.tensor([[True, True, True, False]])
    state = decoder.begin(memory, real)
    hidden, cell = state[:2]
    energies = []
    for step in memory[0, :3]:
        inner = decoder.query.weight @ hidden[0] + decoder.query.bias
        inner = (inner + decoder.key.weight @ step).tanh()
        energies.append((decoder.compare.weight[0] * inner).sum())
    weights = torch.stack(energies).softmax(0)
    context = sum(weight * step for weight, step in zip(weights, memory[0]))
    read = torch.cat([decoder.embedding.weight[3], context])[None]
    hidden, _ = decoder.cell(read, (hidden, cell))
    wanted = decoder.out(torch.cat([hidden[0], context]))
    torch.testing.assert_close(decoder(torch.tensor([3]), state)[0][0], wanted)


def all_sentences(words, length):
    """Every sentence with its end, and those that are cut off."""
    for count in range(length):
        for sentence in itertools.product(words, repeat=count):
            yield (*sentence, 0)
    yield from itertools.product(words, repeat=length)


def test_a_wide_beam_finds_the_best_of_all_sentences():
    head = built(words=["up", "down"], vocabulary_size=4, beam=200, max_length=4)
    fused = joint()(features())
    for row, one in enumerate(head.caption(fused)):
        scores = {}
        for sentence in all_sentences((2, 3), 4):
            state = tuple(x[row : row + 1] for x in head.begin(fused))
            logs = []
            for last, word in zip((0, *sentence), sentence):
                logits, state = head.decoder(torch.tensor([last]), state)
                logits[:, 1] = -torch.inf  # what is not known is never said
                logs.append(logits.double().log_softmax(1)[0, word].item())
            scores[sentence] = sum(logs) / len(logs)
        best = max(scores, key=scores.get)
        assert one.text == head.vocabulary.decode([*best, 0])
        assert one.score == pytest.approx(scores[best], abs=1e-5)


def test_a_beam_finds_what_the_best_word_each_time_misses():
    gains = []
    for _ in range(8):
        tables = torch.randn(3, 4, 4, dtype=torch.float64).log_softmax(2)

        def step(words, state, tables=tables):
            which = state[0][:, 0].long()  # each row has probabilities of its own
            return tables[which, words], state

        begin = (torch.arange(3.0)[:, None],)
        wide, narrow = (
            beam_search(step, begin, edge=0, beam=beam, max_length=4)
            for beam in (256, 1)
        )
        for row, table in enumerate(tables):
            scores = [
                sum(table[a, b] for a, b in zip((0, *one), one)) / len(one)
                for one in all_sentences((1, 2, 3), 4)
            ]
            assert wide.score[row] == pytest.approx(float(max(scores)))
        gains += (wide.score - narrow.score).tolist()
    assert min(gains) > -1e-9 and max(gains) > 0.05


def test_a_beam_of_one_takes_the_best_word_each_time():
    table = torch.randn(7, 7, dtype=torch.float64).log_softmax(1)  # by the last word

    def step(words, state):
        return table[words], state

    begin = (torch.zeros(1, 1),)
    for length in (1, 3, 9):
        found = beam_search(step, begin, edge=0, beam=1, max_length=length)
        words, logs, last = [], [], 0
        while len(words) < length and not (words and words[-1] == 0):
            logs.append(table[last].max().item())
            last = int(table[last].argmax())
            words.append(last)
        assert found.tokens[0, : len(words)].tolist() == words
        assert not found.tokens[0, len(words) :].any()
        assert found.score[0] == pytest.approx(sum(logs) / len(logs))
    head = built(beam=1, max_length=5)
    fused = joint()(features())
    logits = head(fused)
    logits[..., 1] = logits[..., 8:] = -torch.inf
    for one, row in zip(head.caption(fused), logits.argmax(2).tolist()):
        assert one.text == head.vocabulary.decode([*row, 0])


def test_words_that_need_what_is_not_there_are_never_said():
    needs = dict(audio=["tone", "sounds"])
    here = torch.tensor([True, False, False])
    said = {True: set(), False: set()}
    for seed, beam in itertools.product(range(4), (1, 3)):
        head = built(seed, needs=needs, beam=beam, score_subsets=True)
        fused = joint()(features(presence=dict(audio=here)))
        samples = head.predict(fused, samples_of(["a"], ["a"], ["a"]))
        for sample, sounds in zip(samples, here.tolist()):
            said[sounds] |= set(sample.pred_caption.split())
            for name, text in sample.subset_captions.items():
                if "audio" not in name:
                    assert not {"tone", "sounds"} & set(text.split())
    assert {"tone", "sounds"} <= said[True]
    assert not {"tone", "sounds"} & said[False] and said[False]


def test_what_is_written():
    head = built(score_subsets=True)
    fused = joint()(features())
    samples = head.predict(fused, samples_of(["a"], ["a"], ["a"]))
    found = head.caption(fused)
    assert all(isinstance(one, Caption) for one in found)
    for sample, one in zip(samples, found):
        assert sample.pred_caption == one.text
        assert sample.pred_caption_score == one.score <= 0
        names = [name for name, _ in fused.subsets()]
        assert list(sample.subset_captions) == names
        assert sample.subset_captions["rgb+audio"] == one.text
    (sample,) = head.predict(fused, samples_of(["a"]))  # three clips of one file
    assert sample.pred_caption == max(found, key=lambda one: one.score).text
    nothing = fused.between(*spans_of_none())
    assert head.caption(nothing) == []


def spans_of_none():
    return torch.zeros(0, 2), torch.zeros(0, dtype=torch.long)


def test_what_it_would_choose():
    """The word that is more probable behind the true beginning."""
    head, fused = built(), joint()(features())
    texts = ["disc moves up", "disc moves down tone", "disc"]
    chosen = head.choose(fused, texts, ["up", "down"])
    assert chosen[2] is None
    for row in (0, 1):
        probability = {}
        for word in ("up", "down"):
            given = ["disc"] * 3
            given[row] = f"disc moves {word}"
            logits, wanted = head.word_logits(fused, given)
            logs = logits.log_softmax(2)[row].gather(1, wanted[row, :, None])
            probability[word] = logs[2].item()
        assert chosen[row] == max(probability, key=probability.get)
    with pytest.raises(ValueError, match=r"options: .*'sideways'"):
        head.choose(fused, texts, ["up", "sideways"])


def test_it_learns_by_references_drawn_by_chance():
    torch.manual_seed(0)
    head = LSTMCaptionHead(9, words=WORDS, vocabulary_size=10, channels=16)
    feats = {name: torch.zeros(4, 3, d) for name, d in WIDTHS.items()}
    feats["rgb"][1::2, 1] = 1
    feats["audio"][2:, 2] = 1
    fused = joint()(Features(feats, {}, common=True))
    moves = [["disc moves up", "disc up"], ["disc moves down", "disc down"]]
    samples = samples_of(*[
        [f"{one} {sound}".strip() for one in moves[row % 2]]
        for row, sound in enumerate(("", "", "tone", "tone"))
    ])  # fmt: skip
    optimizer = torch.optim.Adam(head.parameters(), lr=0.02)
    for _ in range(80):
        optimizer.zero_grad()
        head.loss(fused, samples)["loss_caption"].backward()
        optimizer.step()
    found = [one.text for one in head.eval().caption(fused)]
    assert all(one in sample.gt_captions for one, sample in zip(found, samples)), found
    # half of the sentences have "moves" in their place for it: both are learnt
    assert head.loss(fused, samples)["loss_caption"] > 0.5 * math.log(2) / 4


def test_about_a_third_of_a_million_parameters():
    head = LSTMCaptionHead(192, words=WORDS, vocabulary_size=32)
    assert 250_000 < sum(p.numel() for p in head.parameters()) < 350_000


def test_what_is_refused():
    head, fused = built(), joint()(features())
    for truth in (None, [], "disc moves"):
        samples = samples_of(["disc"], truth, ["disc"])
        with pytest.raises(ValueError, match=r"1\.mp4: gt_captions is .*PackFilmSteps"):
            head.loss(fused, samples)
    wrong = [
        (dict(beam=0), "beam must be a whole number"),
        (dict(max_length=2.5), "max_length must be a whole number"),
        (dict(channels=7), "channels must be even"),
        (dict(needs=["tone"]), r"needs: expected \{modality: words\}"),
        (dict(needs=dict(audio="tone")), r"needs\['audio'\]: expected a list"),
    ]
    for kwargs, message in wrong:
        with pytest.raises(ValueError, match=message):
            built(**kwargs)
    absent = dict(audio=torch.zeros(3, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"needs: \['bark'\] are not among the words"):
        built(needs=dict(audio=["bark"])).caption(joint()(features(presence=absent)))
    with pytest.raises(ValueError, match=r"needs: \['smell'\] has no stream"):
        built(needs=dict(smell=["tone"])).caption(fused)
