"""Models of the fusion benchmark: their configs, training and measurement."""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from fusion_settings import BANDS, Pool, Setting, own_bit
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset

import mmstconv.models  # noqa: F401

BATCH, LR = 32, 3e-3
SGD_LR = 0.1
_EXPERIMENTS = itertools.count()
HIDDEN = 32  # channels of each stream's LSTM
HALVE = dict(mode="max", size=2)
VIDEO = [
    dict(channels=8, stride=(1, 2, 2), temporal_pool=HALVE, spatial_pool=HALVE),
    dict(channels=16, spatial_pool=HALVE),
    dict(channels=32),
]
BACKBONES = {
    "rgb": dict(type="STConvNet", in_channels=3, stages=VIDEO),
    "flow": dict(type="STConvNet", in_channels=2, stages=VIDEO),
    "audio": dict(
        type="AudioConvNet",
        in_channels=BANDS,
        stages=[dict(channels=32, pool=HALVE), dict(channels=32, pool=HALVE)],
    ),
}


@dataclass(frozen=True)
class Strategy:
    """What is switched on beyond the plain loss on the fused scores."""

    aux_loss_weight: float = 0.0
    dropout: float = 0.0
    hooks: tuple[dict, ...] = ()
    sgd: bool = False  # in the place of Adam
    validations: int = 0  # on an eighth of the samples, which do not train then
    pretrain: bool = False  # each stream alone for as many steps, then all
    times: int = 1  # of the number of steps


#: What follows ``type`` in the config of an operator; the channels are those of concat.
OPERATORS: dict[str, dict] = {
    "ConcatFusion": {},
    "SumFusion": dict(channels=64),
    "MaxFusion": dict(channels=64),
    "ConvFusion": dict(channels=64),
    "LateFusion": {},
    "ClassWeightedFusion": {},
    "ContextGatingFusion": {},
    "GatedMultimodalUnit": dict(channels=64),
    "CrossModalAttentionFusion": dict(channels=64),
    "LowRankTensorFusion": dict(channels=64),
    "CompactBilinearFusion": dict(channels=256),
    "Conv3dFusion": dict(
        trunk=dict(type="STConvNet", stages=[dict(channels=64, temporal_pool=HALVE)])
    ),
}
MODULATION = dict(type="GradientModulationHook")
BLENDING = dict(
    aux_loss_weight=1.0, hooks=(dict(type="GradientBlendingHook"),), validations=5
)
#: What is switched on: of the head, the recognizer, and hooks.
STRATEGIES: dict[str, Strategy] = {
    "joint": Strategy(),
    "joint, twice the steps": Strategy(times=2),
    "auxiliary losses": Strategy(aux_loss_weight=1.0),
    "modality dropout": Strategy(dropout=0.3),
    "auxiliary losses + dropout": Strategy(aux_loss_weight=1.0, dropout=0.3),
    "gradient modulation": Strategy(hooks=(MODULATION,)),
    "gradient blending": Strategy(**BLENDING),
    "pretrained streams": Strategy(pretrain=True),
    "joint, SGD": Strategy(sgd=True),
    "auxiliary losses, SGD": Strategy(aux_loss_weight=1.0, sgd=True),
    "gradient modulation, SGD": Strategy(hooks=(MODULATION,), sgd=True),
    "gradient blending, SGD": Strategy(**BLENDING, sgd=True),
}
JOINT, RECIPE = "joint", "auxiliary losses"
PLAIN = "ConcatFusion"  # of a single stream: nothing


def build(
    operator: str, classes: int, streams: tuple[str, ...], strategy: Strategy
) -> nn.Module:
    """The recognizer, with initial weights."""
    takes_maps = MODELS.get(operator).takes_maps
    # Maps come before the necks: LSTMs that nothing reads would only take memory.
    neck = None if takes_maps else dict(type="LSTMTemporalNeck", hidden_channels=HIDDEN)
    own = dict(type="ActionDataPreprocessor")
    model = dict(
        type="TriModalRecognizer",
        streams={name: dict(backbone=BACKBONES[name], neck=neck) for name in streams},
        joint=dict(
            fusion=dict(type=operator, **OPERATORS[operator]),
            temporal=dict(type="MeanOverTime" if takes_maps else "LastState"),
        ),
        cls_head=dict(
            type="TriModalFusionHead",
            num_classes=classes,
            aux_loss_weight=strategy.aux_loss_weight,
            dropout_ratio=0.0,
            score_subsets=True,
        ),
        modality_dropout=dict.fromkeys(streams, strategy.dropout),
        # of all inputs that a sample has, also where one stream is trained alone
        data_preprocessor=dict(
            type="TriModalDataPreprocessor",
            preprocessors={name: own for name in BACKBONES},
        ),
    )
    model = MODELS.build(model)
    model.init_weights()
    return model


class Samples(Dataset):
    """Samples in memory, as the pipeline would give them: as many as the pool has, or
    so many ``times``."""

    def __init__(self, pool: Pool, setting: Setting, split: str, rng, times: int = 1):
        self.drawn = setting.draw(split, times * pool.sizes[split], rng)
        self.clips = pool.pick(split, self.drawn, rng)
        self.pool = dict(pool.inputs[split])
        if setting.faint:
            self.pool["audio"] = self.pool["faint"]

    def __len__(self) -> int:
        return len(self.drawn.labels)

    def __getitem__(self, row: int) -> dict:
        sample = ActionDataSample().set_gt_label(int(self.drawn.labels[row]))
        present = {name: bool(here[row]) for name, here in self.drawn.present.items()}
        sample.set_metainfo(dict(presence=present))
        inputs = {}
        for name, clips in self.clips.items():
            x = self.pool[name][clips[row]][None]  # (1, ...)
            inputs[name] = x if present[name] else torch.full_like(x, float("nan"))
        return dict(inputs=inputs, data_samples=sample)


def train(
    model: nn.Module, data: Dataset, steps: int, seed: int, how: Strategy = Strategy()
) -> None:
    """One cycle of the learning rate, by MMEngine's runner."""
    optimizer = dict(type="Adam", lr=LR)
    if how.sgd:
        optimizer = dict(type="SGD", lr=SGD_LR, momentum=0.9)
    cycle = dict(
        type="OneCycleLR", eta_max=optimizer["lr"], total_steps=steps, by_epoch=False
    )
    loop, validation = dict(type="IterBasedTrainLoop", max_iters=steps), {}
    if how.validations:
        loop["val_interval"] = steps // how.validations
        held = Subset(data, range(0, len(data), 8))
        data = Subset(data, [row for row in range(len(data)) if row % 8])
        validation = dict(
            val_dataloader=dict(
                batch_size=128,
                num_workers=0,
                dataset=held,
                sampler=dict(type="DefaultSampler", shuffle=False),
            ),
            val_cfg=dict(type="ValLoop"),
            val_evaluator=dict(type="ModalityMetric"),
        )
    sampler = dict(type="InfiniteSampler", shuffle=True)
    loader = dict(batch_size=BATCH, num_workers=0, dataset=data, sampler=sampler)
    none = dict.fromkeys(("logger", "checkpoint", "timer", "runtime_info"))
    with tempfile.TemporaryDirectory() as folder:
        Runner(
            model,
            folder,
            train_dataloader=loader,
            train_cfg=loop,
            optim_wrapper=dict(optimizer=optimizer),
            param_scheduler=cycle,
            default_hooks=none,
            custom_hooks=list(how.hooks),
            randomness=dict(seed=seed),
            default_scope="mmaction",
            log_level="ERROR",
            experiment_name=f"fusion-{next(_EXPERIMENTS)}",
            **validation,
        ).train()


@torch.no_grad()
def measure(model: nn.Module, data: Dataset) -> dict[str, float]:
    """Accuracy of every subset of modalities; of all of them under ``'all'``."""
    model.eval()
    right: Counter = Counter()
    for batch in DataLoader(data, batch_size=128, collate_fn=pseudo_collate):
        for sample in model.val_step(batch):
            found = {**sample.subset_scores, "all": sample.pred_score}
            for subset, scores in found.items():
                right[subset] += int(scores.argmax() == int(sample.gt_label))
    return {subset: count / len(data) for subset, count in right.items()}


@cache
def warm_stream(pool: Pool, name: str, seed: int, steps: int) -> dict:
    """Weights of a stream that tells its own bit, under ``streams.{name}``."""
    setting = own_bit(name)
    data = Samples(pool, setting, "train", np.random.default_rng([seed, 2]))
    torch.manual_seed(seed)
    return train_alone(setting, name, data, steps, seed)


def train_alone(
    setting: Setting, name: str, data: Dataset, steps: int, seed: int
) -> dict[str, Tensor]:
    """Weights of a stream trained alone, under ``streams.{name}``."""
    alone = build(PLAIN, setting.classes, (name,), Strategy())
    train(alone, data, steps, seed)
    return alone.streams.state_dict(prefix="streams.")


def run(
    pool: Pool, setting: Setting, operator: str, strategy: str, seed: int, steps: int
) -> dict[str, float]:
    """Train one model; what :func:`measure` says of it.

    ``strategy`` is one of STRATEGIES or ``'{stream} alone'``; ``seed`` is that of
    samples, weights and order.
    """
    stream = strategy.partition(" alone")[0]
    alone = stream in setting.streams
    streams = (stream,) if alone else setting.streams
    how = Strategy() if alone else STRATEGIES[strategy]
    rng = np.random.default_rng([seed, 1])
    train_set = Samples(pool, setting, "train", rng, setting.more)
    test_set = Samples(pool, setting, "test", rng)
    steps = steps * setting.times
    weights: dict[str, Tensor] = {}
    for name in streams:
        if setting.warm:
            weights.update(warm_stream(pool, name, seed, steps))
        if how.pretrain:
            weights.update(train_alone(setting, name, train_set, steps, seed))
    torch.manual_seed(seed)
    model = build(operator, setting.classes, streams, how)
    model.load_state_dict(weights, strict=False)
    train(model, train_set, steps * how.times, seed, how)
    return measure(model, test_set)
