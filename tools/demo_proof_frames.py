"""The proof of frames to come: what sound is worth after the turn, beside its bound."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

sys.path.insert(0, str(Path(__file__).parent / "data"))
from demo_proofs import TOOLS, Place, Proof, subset_options
from demo_turns import STEADY, redrawn
from make_frame_dataset import FUTURES

from mmstconv.apis import load_recognizer
from mmstconv.disk import write_own
from mmstconv.evaluation.frames import BASELINES

FOLDER = TOOLS.parent / "configs/prediction/demo"
OURS = "frame-mixer_demo-frames-rgb-flow-audio"
CONFIGS = (OURS, "simvp-convmixer_demo-frames-rgb", "convlstm_demo-frames-rgb")
PAIRS = 10  # films of a batch, by two
WITH_SOUND = 0.25  # of the bound of any silent forecast, at most, after the turn
WITHOUT = 0.97  # of it, at least
BEFORE = 0.7  # of the error of each forecast without a model, at most
REDRAWS = 20
SIGMAS = 3  # sampling noise that is no leak


def prove(place: Place) -> Proof:
    """Data, training of ours and of its peers, and what came out."""
    place.script("data", TOOLS / "data/make_frame_dataset.py", place.data)
    measured, options = {}, subset_options(place.data, ".txt")
    for name in CONFIGS:
        config = FOLDER / f"{name}.py"
        checkpoint, minutes = train(place, name, config, options)
        measured[name] = measure(config, checkpoint, options, place.data)
        measured[name]["processor_minutes"] = minutes
    return Proof(table(measured), judge(measured), measured)


def train(
    place: Place, name: str, config: Path, options: Sequence[str]
) -> tuple[Path, float]:
    """The checkpoint, and minutes of processor time that it took to train."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    step = f"train {name}"
    checkpoint = place.train(config, options, step=step, from_streams=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    note = checkpoint.parent / "processor_minutes.json"
    if not note.exists():
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        write_own(note, json.dumps(round(used / 60, 2)))
    return checkpoint, json.loads(note.read_text())


@torch.no_grad()
def measure(
    config: Path, checkpoint: Path, options: Sequence[str], data: Path
) -> dict[str, dict]:
    """Squared errors of the test films, summed over pixels and channels in 0..1.

    Returns:
        ``errors``: by forecast, the mean of each frame to come; ``bound`` among them.
        ``after`` and ``before``: their means over frames after and before the turn, as
        a share of the bound and as they are. ``redrawn``: of the silent forecast.
    """
    cfg = Config.fromfile(config)
    pairs = (option.split("=", 1) for option in options)
    cfg.merge_from_dict(dict(pairs))
    model = load_recognizer(str(config), str(checkpoint))
    films = DATASETS.build(cfg.test_dataloader.dataset)
    futures = json.loads((data / FUTURES).read_text())
    found: dict[str, list] = {}
    silent, truths = [], []
    for first in range(0, len(films), 2 * PAIRS):
        rows = [films[k] for k in range(first, min(first + 2 * PAIRS, len(films)))]
        batch = model.data_preprocessor(pseudo_collate(rows))
        inputs, samples = batch["inputs"], batch["data_samples"]
        truth = np.stack([one.gt_frames.numpy() for one in samples]) / 255
        found.setdefault("bound", []).append(
            np.array([futures[Path(one.filename).stem]["bound"] for one in samples])
        )
        forecasts = {
            name: np.stack(
                [baseline(one["inputs"]["rgb"][0].numpy(), truth.shape[2])
                 for one in rows]
            )
            for name, baseline in BASELINES.items()
        }  # fmt: skip
        for name, heard in ways_to_hear(model, inputs).items():
            presence = {
                key: torch.full((len(rows),), name != "silent" or key != "audio")
                for key in model.modalities
            }
            forecast = model({**inputs, **heard}, presence=presence)
            forecasts[name] = forecast.clamp(0, 1).numpy()
        for name, forecast in forecasts.items():
            error = ((forecast - truth) ** 2).sum((1, 3, 4))  # (films, frames)
            found.setdefault(name, []).append(error)
        silent += list(forecasts["silent"])
        truths += list(truth)
    errors = {name: np.concatenate(parts) for name, parts in found.items()}
    bound = errors["bound"][:, STEADY:].mean()
    rest = {name: value for name, value in errors.items() if name != "bound"}
    return dict(
        parameters=sum(one.numel() for one in model.parameters()),
        errors={name: value.mean(0).tolist() for name, value in errors.items()},
        after={k: float(v[:, STEADY:].mean() / bound) for k, v in rest.items()},
        before={k: float(v[:, :STEADY].mean()) for k, v in rest.items()},
        redrawn=errors_of_redrawn(silent, truths, bound),
    )


def ways_to_hear(model, inputs: dict) -> dict[str, dict]:
    """Inputs that change: none, or the sound of the other film of each pair."""
    if "audio" not in model.modalities:
        return dict(silent={})
    sound = inputs["audio"]
    swapped = sound.unflatten(0, (-1, 2)).flip(1).flatten(0, 1)
    return dict(sound={}, silent={}, wrong_sound=dict(audio=swapped))


def errors_of_redrawn(
    forecasts: Sequence, truths: Sequence, bound: float
) -> tuple[float, float]:
    """Mean and deviation of the silent error after the turn, turns drawn anew."""
    rng, errors = np.random.default_rng(0), []
    forecast = np.stack(forecasts)[:, :, STEADY:]
    for _ in range(REDRAWS):
        truth = np.stack(redrawn(truths, rng))[:, :, STEADY:]
        errors.append(((forecast - truth) ** 2).sum((1, 3, 4)).mean() / bound)
    return float(np.mean(errors)), float(np.std(errors))


def table(measured: dict) -> str:
    """A line for each forecast: before and after the turn."""
    ours = measured[OURS]
    lines = [f"{'frames':34s}{'before':>8s}{'after':>8s}   by horizon"]
    for name in ("last_frame", "flow", "sound", "silent", "wrong_sound"):
        lines.append(_line(name, ours, name))
    for name in CONFIGS[1:]:
        lines.append(_line(name, measured[name], "silent"))
    bound = " ".join(f"{value:6.1f}" for value in ours["errors"]["bound"])
    lines.append(f"{'bound without sound':34s}{0:8.1f}{1:8.3f}   {bound}")
    lines.append("redrawn: {:.3f} +-{:.3f}".format(*ours["redrawn"]))
    for name, one in measured.items():
        lines.append(
            f"{name}: {one['parameters'] / 1e6:.2f} M parameters, "
            f"{one['processor_minutes']:.1f} minutes of processor time"
        )
    return "\n".join(lines)


def _line(title: str, measured: dict, name: str) -> str:
    errors = " ".join(f"{value:6.1f}" for value in measured["errors"][name])
    before, after = measured["before"][name], measured["after"][name]
    return f"{title:34s}{before:8.1f}{after:8.3f}   {errors}"


def judge(measured: dict) -> list[str]:
    """What is not as it must be."""
    ours, faults = measured[OURS], []
    if ours["after"]["sound"] > WITH_SOUND:
        faults.append(
            f"frames: with sound the error after the turn is "
            f"{ours['after']['sound']:.3f} of the bound, more than {WITH_SOUND}"
        )
    for name, one in measured.items():
        for way in ("silent", "wrong_sound"):
            share = one["after"].get(way, 1.0)
            if share < WITHOUT:
                faults.append(
                    f"frames: {name}, {way}: {share:.3f} of the bound, less than "
                    f"{WITHOUT}: the data leak the turn"
                )
        mean, deviation = one["redrawn"]
        if abs(one["after"]["silent"] - mean) > SIGMAS * deviation:
            faults.append(
                f"frames: {name}: silent {one['after']['silent']:.3f}, and {mean:.3f} "
                f"+- {deviation:.3f} when turns are redrawn"
            )
    for name in ("last_frame", "flow"):
        if ours["before"]["sound"] > BEFORE * ours["before"][name]:
            faults.append(
                f"frames: before the turn {ours['before']['sound']:.1f}, not below "
                f"{BEFORE} of {ours['before'][name]:.1f} ({name})"
            )
    return faults
