"""ONNX models: their initialisers."""

from __future__ import annotations

from pathlib import Path

import torch

from ..reading import CheckpointError
from .content import ForeignFile, as_tensor, only_shape, text

# operators on whole numbers that stand for real ones: the places of their weights
_QUANTISED = {
    "QuantizeLinear": (0,),
    "DequantizeLinear": (0,),
    "QLinearConv": (3,),
    "QLinearMatMul": (0, 3),
    "ConvInteger": (1,),
    "MatMulInteger": (0, 1),
}


def read_onnx(path: Path) -> ForeignFile:
    """A model's initialisers; of those in other files the shape only."""
    try:
        import onnx
    except ImportError:
        raise CheckpointError(
            f"{path}: is an ONNX model; pip install onnx to read it"
        ) from None
    model = onnx.load(str(path), load_external_data=False)
    graph = model.graph
    tensors, elsewhere = {}, set()
    for one in graph.initializer:
        if one.data_location == onnx.TensorProto.EXTERNAL:
            tensors[text(one.name)] = only_shape(one.dims, _dtype(one, onnx))
            elsewhere |= {
                text(x.value) for x in one.external_data if x.key == "location"
            }
        else:
            value = as_tensor(onnx.numpy_helper.to_array(one))
            if value is not None:
                tensors[text(one.name)] = value
    quantised = {}
    for node in graph.node:
        for place in _QUANTISED.get(node.op_type, ()):
            name = text(node.input[place]) if place < len(node.input) else ""
            if name in tensors:
                real = tensors[name].is_floating_point()
                how = "quantised when run, by" if real else "quantised, for"
                quantised[name] = f"{how} {node.op_type}"
    maker = f"{text(model.producer_name)} {text(model.producer_version)}".strip()
    opset = next((x.version for x in model.opset_import if not x.domain), "unknown")
    inputs = ", ".join(
        _signature(one) for one in graph.input if text(one.name) not in tensors
    )
    notes = [f"its input: {inputs or 'none'}"]
    if elsewhere:
        notes.append(f"its numbers are in other files: {', '.join(sorted(elsewhere))}")
    what = f"an ONNX model of {maker or 'an unnamed program'}, opset {opset}"
    return ForeignFile(what, tensors, quantised, tuple(notes))


def _dtype(tensor, onnx) -> torch.dtype:
    name = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).name
    dtype = getattr(torch, name, None)
    return dtype if isinstance(dtype, torch.dtype) else torch.uint8


def _signature(value) -> str:
    axes = value.type.tensor_type.shape.dim
    sizes = [text(axis.dim_param) or str(axis.dim_value) for axis in axes]
    return f"{text(value.name)} ({', '.join(sizes)})"
