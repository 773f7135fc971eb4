"""TensorFlow Lite models: their constant tensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..reading import CheckpointError
from .content import Budget, ForeignFile, as_tensor, text

_NUMBERS = {
    "FLOAT32": np.float32,
    "FLOAT16": np.float16,
    "FLOAT64": np.float64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "UINT8": np.uint8,
    "BOOL": np.bool_,
}
_ORDER = (
    "TensorFlow Lite has kernels as (out, height, width, in), depthwise ones as "
    "(1, height, width, channels)"
)


def read_tflite(path: Path) -> ForeignFile:
    """The tensors of a model that hold numbers."""
    try:
        from tflite import Model, TensorType
    except ImportError:
        raise CheckpointError(
            f"{path}: is a TensorFlow Lite model; pip install tflite to read it"
        ) from None
    content = path.read_bytes()
    budget = Budget(path)  # many tensors may name the same bytes
    names = {
        value: name for name, value in vars(TensorType).items() if name in _NUMBERS
    }
    model = Model.GetRootAs(content, 0)
    tensors, quantised, others = {}, {}, []
    for tensor in _tensors(model, len(content)):
        raw = model.Buffers(tensor.Buffer()).DataAsNumpy()
        if isinstance(raw, int):  # the package's word for no data
            continue
        name = text(tensor.Name() or b"")
        kind = names.get(tensor.Type())
        if kind is None:
            others.append(f"{name} is of the type {tensor.Type()}, not read")
            continue
        shape = tensor.ShapeAsNumpy() if tensor.ShapeLength() else ()
        budget.spend(raw.nbytes)
        array = np.frombuffer(raw.tobytes(), _NUMBERS[kind]).reshape(shape)
        tensors[name] = as_tensor(array)
        scales = tensor.Quantization()
        if scales is not None and scales.ScaleLength() and kind.startswith(("I", "U")):
            quantised[name] = f"quantised, {scales.ScaleLength()} scales"
    maker = text(model.Description() or b"")
    what = f"a TensorFlow Lite model{f' ({maker})' if maker else ''}"
    return ForeignFile(what, tensors, quantised, (_ORDER, *others[:3]))


def _tensors(model, size: int):
    """The tensors of all graphs; lengths that the file cannot hold are an error."""
    graphs = [model.Subgraphs(i) for i in range(_held(model.SubgraphsLength(), size))]
    _held(model.BuffersLength(), size)
    for graph in graphs:
        for index in range(_held(graph.TensorsLength(), size)):
            yield graph.Tensors(index)


def _held(count: int, size: int) -> int:
    if count > size // 4:  # each takes an offset of four bytes
        raise ValueError(f"a list of {count} in a file of {size} bytes")
    return count
