"""The metrics of captions, through MMEngine, against sentences judged by hand."""

from __future__ import annotations

import csv
import json
import pickle

import numpy as np
import pytest
import torch
from mmaction.registry import METRICS
from mmaction.structures import ActionDataSample
from mmengine.evaluator import Evaluator

from mmstconv.disk import ForeignFile
from mmstconv.evaluation import gathering
from mmstconv.evaluation.captions import bleu, cider_d, java_scores, rouge_l, tokenize

SLOTS = dict(way=["up", "down"], sound=["rising", "falling"])
TRUTH = ["A disc moves up, a rising tone.", "A disc moves down, a falling tone."]
# rgb knows the way, audio the sound; who does not know says the first word
SUBSETS = {
    "none": ["a disc moves up a rising tone"] * 2,
    "rgb": ["a disc moves up a rising tone", "a disc moves down a rising tone"],
    "audio": ["a disc moves up a rising tone", "a disc moves up a falling tone"],
    "rgb+audio": ["a disc moves up a rising tone", "a disc moves down a falling tone"],
}


def clip(place=0, subsets=True, **fields):
    """In the types that heads write."""
    sample = ActionDataSample()
    sample.set_metainfo(dict(filename=f"{place}.mp4", video_id=f"v_{place}"))
    sample.gt_captions = [TRUTH[place]]
    sample.pred_caption = SUBSETS["rgb+audio"][place]
    if subsets:
        sample.subset_captions = {name: one[place] for name, one in SUBSETS.items()}
    for name, value in fields.items():
        setattr(sample, name, value)
    return sample


def evaluate(data_samples, type="CaptionMetric", **kwargs):
    """As a runner does it."""
    evaluator = Evaluator(METRICS.build(dict(type=type, **kwargs)))
    evaluator.dataset_meta = {}
    evaluator.process(data_samples)
    return evaluator.evaluate(len(data_samples))


def test_subsets_by_hand():
    found = evaluate([clip(0), clip(1)], slots=SLOTS)
    expected = {
        "exact_match": 1, "slots": 1, "slot/way": 1, "slot/sound": 1,
        "exact_match/none": 0.5, "exact_match/rgb": 0.5, "exact_match/audio": 0.5,
        "slot/way/rgb": 1, "slot/sound/rgb": 0.5, "slots/rgb": 0.75,
        "slot/way/audio": 0.5, "slot/sound/audio": 1, "slots/none": 0.5,
        "exact_match/rgb+audio": 1,
        "shapley/rgb": 0.25, "shapley/audio": 0.25, "margin/best_stream": 0.5,
    }  # fmt: skip
    wrong = {n: found[f"caption/{n}"] for n, v in expected.items()
             if found[f"caption/{n}"] != pytest.approx(v)}  # fmt: skip
    assert not wrong
    assert not any("invented" in name for name in found)
    # sentences of a pattern: nothing is known, and the score is high
    assert found["caption/BLEU-4/none"] > 0.4
    known = [[tokenize(text)] for text in TRUTH]
    said = [tokenize(text) for text in SUBSETS["rgb"]]
    assert found["caption/BLEU-4/rgb"] == pytest.approx(bleu(said, known)[3])
    assert found["caption/ROUGE-L/rgb"] == pytest.approx(rouge_l(said, known).mean())
    assert found["caption/CIDEr-D/rgb"] == pytest.approx(cider_d(said, known).mean())
    assert found["caption/BLEU-4"] == found["caption/BLEU-4/rgb+audio"]


def test_shapley_values_of_every_worth():
    wrong = []
    for worth, scale in dict(slots=1, CIDEr_D=10, BLEU_4=1, ROUGE_L=1).items():
        name = worth.replace("_", "-")
        found = evaluate([clip(0), clip(1)], slots=SLOTS, worth=name)
        gain = found[f"caption/{name}/rgb+audio"] - found[f"caption/{name}/none"]
        shares = [found[f"caption/shapley/{one}"] for one in ("rgb", "audio")]
        if sum(shares) != pytest.approx(gain / scale):
            wrong.append((name, shares, gain))
    assert not wrong


def test_a_sound_that_nobody_mentions():
    """Of a file without sound a word of sound is invented, not right or wrong."""
    silent = clip(1, False, gt_captions=["A disc moves down."])
    found = evaluate([clip(0, False), silent], slots=SLOTS)
    assert found["caption/slot/sound"] == 1
    assert found["caption/invented/sound"] == 1
    silent.pred_caption = "a disc moves down"
    found = evaluate([clip(0, False), silent], slots=SLOTS)
    assert found["caption/invented/sound"] == 0
    assert found["caption/exact_match"] == 1


def test_reports(tmp_path):
    failed = clip(1)
    failed.set_metainfo(dict(failure="broken", segment=(0.0, 2.5)))
    options = dict(out_dir=tmp_path / "r", out_file=tmp_path / "said.json")
    found = evaluate([clip(0), failed], slots=SLOTS, java_scores=(), **options)
    report = json.loads((tmp_path / "r/caption_report.json").read_text())
    prefix = "caption/"
    assert {prefix + k: v for k, v in report["measures"].items()} == pytest.approx(
        found
    )
    assert (report["samples"], report["not_read"]) == (2, 1)
    assert (
        "pycocoevalcap Cider, called CIDEr in tables" in report["settings"]["CIDEr-D"]
    )
    assert {"BLEU-4", "ROUGE-L", "exact_match"} < set(report["settings"])
    with open(tmp_path / "r/caption_report.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["caption"] for row in rows] == SUBSETS["rgb+audio"]
    assert [row["caption/rgb"] for row in rows] == SUBSETS["rgb"]
    assert rows[0]["references"] == TRUTH[0] and rows[0]["slot/way"] == "1.0"
    assert (tmp_path / "r/caption_modality_report.png").stat().st_size > 1000
    assert json.loads((tmp_path / "said.json").read_text()) == [
        dict(image_id="v_0", caption=SUBSETS["rgb+audio"][0]),
        dict(image_id="v_1", caption=SUBSETS["rgb+audio"][1], timestamp=[0.0, 2.5]),
    ]
    (tmp_path / "mine.json").write_text("{}")
    with pytest.raises(ForeignFile):
        METRICS.build(dict(type="CaptionMetric", out_file=tmp_path / "mine.json"))


def test_a_value_of_the_corpus_is_of_all_samples(tmp_path):
    for worth in ("BLEU-4", "slots", "exact_match"):
        evaluate([clip(0), clip(1)], slots=SLOTS, worth=worth, out_dir=tmp_path)
        report = json.loads((tmp_path / "caption_modality_report.json").read_text())
        counts = report["overall"]["samples"], report["best_stream"]["samples"]
        assert counts == (2, 2), worth


def test_files_of_one_name_and_of_no_text(tmp_path):
    """Videos without an id: as detections, by their paths where those differ alone."""
    names = ("/a/x.mp4", "/b/x.mp4", "/a/y\udcff.mp4")
    clips = [clip(0, False), clip(1, False), clip(0, False)]
    films = [film("x", STORY[k : k + 1], STORY) for k in (0, 1, 0)]
    for name, *each in zip(names, clips, films):
        for one in each:
            one.set_metainfo(dict(filename=name, video_id=None))
    evaluate(clips, out_file=tmp_path / "said.json")
    said = json.loads((tmp_path / "said.json").read_text(encoding="utf-8"))
    expected = ["/a/x.mp4", "/b/x.mp4", "y\udcff"]
    assert [one["image_id"] for one in said] == expected
    evaluate(films, "DenseCaptionMetric", out_file=tmp_path / "dense.json")
    dense = json.loads((tmp_path / "dense.json").read_text(encoding="utf-8"))
    assert {name: len(rows) for name, rows in dense["results"].items()} == (
        dict.fromkeys(expected, 1)
    )


def test_samples_without_references(warnings):
    none = clip(1)
    del none.gt_captions
    found = evaluate([clip(0), none], slots=SLOTS)
    assert found["caption/exact_match"] == 1
    assert any("1 of 2 samples have no references" in text for text in warnings())
    assert evaluate([none]) == {}
    assert "nothing to measure" in warnings()[-1]


def test_java_scores_that_cannot_be_had(monkeypatch, tmp_path):
    monkeypatch.setattr(java_scores.shutil, "which", lambda name: None)
    monkeypatch.setattr(java_scores, "find_spec", lambda name: pytest)
    found = evaluate([clip(0)], java_scores=["METEOR"], out_dir=tmp_path)
    assert "caption/METEOR" not in found and "caption/BLEU-4" in found
    report = json.loads((tmp_path / "caption_report.json").read_text())
    assert report["absent"] == {
        "METEOR": "it needs a Java runtime (java is not on the PATH)"
    }


def test_what_is_refused():
    with pytest.raises(ValueError, match="worth must be one of exact_match, slots"):
        METRICS.build(dict(type="CaptionMetric", worth="slots"))
    with pytest.raises(ValueError, match="java_scores are METEOR, SPICE"):
        METRICS.build(dict(type="CaptionMetric", java_scores=["BERT"]))
    with pytest.raises(ValueError, match=r"0.mp4 has no pred_caption: the head"):
        evaluate([clip(pred_caption=None)])
    with pytest.raises(ValueError, match="gt_captions must be texts, got 'a disc'"):
        evaluate([clip(gt_captions="a disc")])
    with pytest.raises(ValueError, match="gt_captions is empty"):
        evaluate([clip(gt_captions=[])])
    with pytest.raises(ValueError, match="expected the same subsets of every sample"):
        evaluate([clip(0), clip(1, False)])


def film(name="a", sentences=(), truth=(), sources=None, scores=None):
    sample = ActionDataSample()
    sample.set_metainfo(dict(filename=f"{name}.mp4", video_id=name))
    times = [times for times, _ in sentences]
    sample.pred_segments = torch.tensor(times, dtype=torch.float32).reshape(-1, 2)
    sample.pred_captions = [text for _, text in sentences]
    sample.pred_scores = torch.tensor(scores or [1.0] * len(times))
    if truth:
        sample.gt_segments = torch.tensor([times for times, _ in truth])
        sample.gt_segment_captions = [[text] for _, text in truth]
    if sources:
        sample.gt_segment_sources = torch.tensor(sources)
    return sample


STORY = [((0.0, 4.0), "A man comes in."), ((4.0, 10.0), "He sits down and reads.")]


def test_dense_captions_by_hand(tmp_path):
    options = dict(type="DenseCaptionMetric", out_dir=tmp_path)
    found = evaluate([film("a", STORY, STORY), film("b", (), STORY)], **options)
    expected = {"SODA_c(ROUGE-L)": 0.5, "precision": 0.5, "recall": 0.5}
    expected |= {"ROUGE-L@0.9": 0.5, "BLEU-4@0.3": 0.5, "ROUGE-L": 0.5}
    wrong = {n: found[f"dense_caption/{n}"] for n, v in expected.items()
             if found[f"dense_caption/{n}"] != pytest.approx(v, abs=1e-6)}  # fmt: skip
    assert not wrong
    report = json.loads((tmp_path / "dense_caption_report.json").read_text())
    assert [row["SODA_c(ROUGE-L)"] for row in report["classes"]] == [1, 0]
    assert "densevid_eval" in report["settings"]["dense"]
    assert report["sentences"] == 2 and report["true_segments"] == 4
    # said a hundred times: the protocol does not see it, SODA does
    many = evaluate([film("a", STORY * 50, STORY)], **options)
    assert many["dense_caption/ROUGE-L"] == pytest.approx(1)
    assert many["dense_caption/SODA_c(ROUGE-L)"] == pytest.approx(2 * 0.02 / 1.02)


def test_the_story_of_the_person_that_fits_best():
    other = [((0.0, 10.0), "Nothing of that.")]
    one = film("a", STORY, STORY + other, sources=[0, 0, 1])
    found = evaluate([one], type="DenseCaptionMetric")
    assert found["dense_caption/SODA_c(ROUGE-L)"] == pytest.approx(1)
    assert found["dense_caption/recall@0.9"] == 1  # of one of both


def test_the_best_sentences_and_the_submission(tmp_path):
    path = tmp_path / "dense.json"
    sentences = [((0.0, 4.0), "wrong"), *STORY]
    options = dict(type="DenseCaptionMetric", out_file=path, max_sentences=2)
    found = evaluate([film("a", sentences, STORY, scores=[0.1, 0.5, 0.25])], **options)
    assert found["dense_caption/SODA_c(ROUGE-L)"] == pytest.approx(1)
    content = json.loads(path.read_text())
    assert content["results"]["a"][2] == dict(
        sentence="He sits down and reads.", timestamp=[4.0, 10.0], score=0.25
    )
    again = evaluate([film("a", sentences, STORY, scores=[0.1, 0.5, 0.25])], **options)
    assert again == found


def test_dense_captions_that_are_refused():
    with pytest.raises(ValueError, match=r"a.mp4 has no pred_captions"):
        evaluate([broken("pred_captions", None)], type="DenseCaptionMetric")
    cases = dict(
        pred_captions=(["x"], "pred_scores of shape"),
        pred_scores=(torch.ones(1), "pred_scores of shape"),
        pred_segments=(torch.tensor([[1.0, 0.0]] * 2), "ends before its start"),
        gt_segment_captions=(["x", "y"], "must be texts"),
    )
    for field, (value, message) in cases.items():
        with pytest.raises(ValueError, match=message):
            evaluate([broken(field, value)], type="DenseCaptionMetric")


def broken(field, value):
    sample = film("a", STORY, STORY)
    setattr(sample, field, value)
    return sample


def test_results_of_several_processes():
    """What is kept of samples goes from process to process and gives the same."""
    samples = dict(
        CaptionMetric=[clip(0), clip(1)],
        DenseCaptionMetric=[film("a", STORY, STORY), film("b", STORY[:1], STORY)],
    )
    for name, pair in samples.items():
        metric = METRICS.build(dict(type=name))
        metric.process(None, [one.to_dict() for one in pair])
        sent = pickle.loads(pickle.dumps(gathering.gather_results(metric.results, 2)))
        assert metric.compute_metrics(sent) == metric.compute_metrics(metric.results)
        assert not np.isnan(list(metric.compute_metrics(sent).values())).any()
