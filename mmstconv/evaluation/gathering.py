"""Results of all processes in the main one, as arrays instead of many small pickles."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Sequence
from itertools import chain, zip_longest

import numpy as np
import torch
from mmengine import dist
from mmengine.logging import print_log

from ..private_names import to_cpu

# Bytes in flight in all processes together: results may be larger than a GPU.
IN_FLIGHT = 256 * 2**20
_NUMBERS = {bool: np.bool_, int: np.int64, float: np.float64}


class GatheredResults:
    """Mixin of a ``BaseMetric``, before it: its results are gathered with less work.

    The metric sees the list that MMEngine's ``collect_results`` would give it. No
    folder shared by all processes is needed; with a ``collect_dir``, and in a single
    process, MMEngine's own way is taken.
    """

    def evaluate(self, size: int) -> dict:
        """As ``BaseMetric.evaluate``: the measures, in every process.

        Args:
            size: Length of the data set; what samplers pad is dropped.
        """
        if dist.get_world_size() == 1 or self.collect_dir is not None:
            return super().evaluate(size)
        if not self.results:
            print_log(
                f"{type(self).__name__}: this process has no results",
                logger="current",
                level=logging.WARNING,
            )
        results = gather_results(self.results, size)
        metrics = [None]
        if results is not None:
            found = self.compute_metrics(to_cpu(results))
            if self.prefix:
                found = {f"{self.prefix}/{key}": value for key, value in found.items()}
            metrics = [found]
        dist.broadcast_object_list(metrics)
        self.results.clear()
        return metrics[0]


def gather_results(results: Sequence, size: int) -> list | None:
    """What MMEngine's ``collect_results`` returns, from all processes.

    Args:
        results: Of this process, one a sample.
        size: How many to keep.

    Returns:
        In the main process the samples in the data set's order, one from each process
        in turn; None in the others.
    """
    if dist.get_world_size() == 1:
        return list(results)[:size]
    parts = _gather_bytes(pickle.dumps(pack(results), protocol=5))
    if parts is None:
        return None
    rows = [unpack(pickle.loads(part)) for part in parts]
    in_turn = chain.from_iterable(zip_longest(*rows))
    return [one for one in in_turn if one is not None][:size]


def pack(values: Sequence) -> tuple[str, object]:
    """One column from a value of each sample: an array where that is exact.

    Plain Python numbers, NumPy arrays and tensors of one type and shape are stacked;
    dictionaries with the same keys become a column for each key. Any other column
    stays a list.
    """
    values = list(values)
    kinds = {type(value) for value in values}
    if len(kinds) != 1:
        return "list", values
    (kind,) = kinds
    if kind in _NUMBERS:
        try:
            return "numbers", np.array(values, dtype=_NUMBERS[kind])
        except OverflowError:  # beyond 64 bits
            return "list", values
    if kind is np.ndarray and _stack_exactly(values):
        return "arrays", np.stack(values)
    if kind is torch.Tensor and _tensors_stack_exactly(values):
        return "tensors", torch.stack(values).numpy()
    if kind is dict and len({tuple(value) for value in values}) == 1:
        columns = {key: pack([one[key] for one in values]) for key in values[0]}
        # without keys there is nothing to tell how many
        return ("dicts", columns) if columns else ("list", values)
    return "list", values


def unpack(column: tuple[str, object]) -> list:
    """The values that :func:`pack` was given."""
    kind, packed = column
    if kind == "numbers":
        return packed.tolist()
    if kind == "arrays":
        return [packed[row, ...] for row in range(len(packed))]  # scalars stay arrays
    if kind == "tensors":
        return list(torch.from_numpy(packed))
    if kind == "dicts":
        rows = zip(*(unpack(one) for one in packed.values()))
        return [dict(zip(packed, row)) for row in rows]
    return packed


def _stack_exactly(arrays: list[np.ndarray]) -> bool:
    dtype, shape = arrays[0].dtype, arrays[0].shape
    if dtype.kind not in "biufc" or not dtype.isnative:
        return False
    return all(one.dtype == dtype and one.shape == shape for one in arrays)


def _tensors_stack_exactly(tensors: list[torch.Tensor]) -> bool:
    first = tensors[0]
    if first.dtype == torch.bfloat16 or first.is_quantized:  # NumPy has none
        return False
    return all(
        one.dtype == first.dtype
        and one.shape == first.shape
        and one.device.type == "cpu"
        and one.layout == torch.strided
        and not one.requires_grad
        and not one.is_conj()
        and not one.is_neg()
        for one in tensors
    )


def _gather_bytes(data: bytes) -> list[memoryview] | None:
    """Those of every process, in the main one."""
    device = dist.get_comm_device()
    # NCCL and its like have no gather in MMEngine
    gather = dist.gather if device.type == "cpu" else dist.all_gather
    main = dist.is_main_process()
    own = torch.tensor([len(data)], device=device)
    lengths = [int(one) for one in dist.all_gather(own)]
    parts = [np.empty(length, np.uint8) for length in lengths] if main else []
    step = max(1, IN_FLIGHT // len(lengths))
    mine = torch.from_numpy(np.frombuffer(bytearray(data), np.uint8))
    for start in range(0, max(lengths), step):
        width = min(step, max(lengths) - start)
        piece = mine[start : start + width]
        if len(piece) < width:  # all send as much as the longest
            piece = torch.nn.functional.pad(piece, (0, width - len(piece)))
        pieces = gather(piece.to(device))
        for part, piece in zip(parts, pieces):
            room = part[start : start + width]
            room[:] = piece[: len(room)].cpu().numpy()
    return [memoryview(part) for part in parts] if main else None
