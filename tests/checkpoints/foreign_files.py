"""Small files of other frameworks, written by those frameworks' own packages."""

from __future__ import annotations

import struct

import numpy as np

KERNEL = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)
BIAS = np.array([0.5, -1.5], np.float32)
EIGHT = np.arange(-4, 4, dtype=np.int8).reshape(2, 4)


def npy(path):
    np.save(path, {"conv": {"weights": KERNEL, "biases": BIAS}, "step": 7})


def npz(path):
    np.savez_compressed(path, kernel=KERNEL, bias=BIAS)


def h5(path):
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.9.0"
        file["model_weights/conv/kernel:0"] = KERNEL
        file["model_weights/conv/bias:0"] = BIAS
        file["model_weights/names"] = np.array([b"conv"])


def onnx(path):
    import onnx
    from onnx import helper, numpy_helper

    tensors = [
        numpy_helper.from_array(KERNEL, "kernel"),
        numpy_helper.from_array(EIGHT, "eight"),
        numpy_helper.from_array(np.float32(0.1), "scale"),
    ]
    inputs = [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", 3])]
    nodes = [
        helper.make_node("DequantizeLinear", ["eight", "scale"], ["real"]),
        helper.make_node("Relu", ["x"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "g", inputs, [], tensors)
    model = helper.make_model(graph, producer_name="pytorch", producer_version="2.1")
    path.write_bytes(model.SerializeToString())


def onnx_with_numbers_elsewhere(path):
    import onnx
    from onnx import helper, numpy_helper

    tensor = numpy_helper.from_array(KERNEL, "kernel")
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../secret.bin")
    model = helper.make_model(helper.make_graph([], "g", [], [], [tensor]))
    path.write_bytes(model.SerializeToString())


def tflite(path):
    import flatbuffers
    import tflite

    build = flatbuffers.Builder(0)

    def vector(start, offsets):
        start(build, len(offsets))
        for offset in reversed(offsets):
            build.PrependUOffsetTRelative(offset)
        return build.EndVector()

    buffers, tensors = [], []
    for raw in (None, KERNEL, EIGHT):
        data = None if raw is None else build.CreateByteVector(raw.tobytes())
        tflite.BufferStart(build)
        if data is not None:
            tflite.BufferAddData(build, data)
        buffers.append(tflite.BufferEnd(build))
    scales = build.CreateNumpyVector(np.array([0.1, 0.2], np.float32))
    tflite.QuantizationParametersStart(build)
    tflite.QuantizationParametersAddScale(build, scales)
    quantised = tflite.QuantizationParametersEnd(build)
    kinds = tflite.TensorType
    for number, (name, shape, kind) in enumerate(
        (
            ("input", (1, 3), kinds.FLOAT32),
            ("kernel", KERNEL.shape, kinds.FLOAT32),
            ("eight", EIGHT.shape, kinds.INT8),
        )
    ):
        name = build.CreateString(name)
        shape = build.CreateNumpyVector(np.array(shape, np.int32))
        tflite.TensorStart(build)
        tflite.TensorAddName(build, name)
        tflite.TensorAddShape(build, shape)
        tflite.TensorAddType(build, kind)
        tflite.TensorAddBuffer(build, number)
        if kind == kinds.INT8:
            tflite.TensorAddQuantization(build, quantised)
        tensors.append(tflite.TensorEnd(build))
    tensors = vector(tflite.SubGraphStartTensorsVector, tensors)
    tflite.SubGraphStart(build)
    tflite.SubGraphAddTensors(build, tensors)
    graphs = vector(tflite.ModelStartSubgraphsVector, [tflite.SubGraphEnd(build)])
    buffers = vector(tflite.ModelStartBuffersVector, buffers)
    tflite.ModelStart(build)
    tflite.ModelAddVersion(build, 3)
    tflite.ModelAddSubgraphs(build, graphs)
    tflite.ModelAddBuffers(build, buffers)
    build.Finish(tflite.ModelEnd(build), b"TFL3")
    path.write_bytes(bytes(build.Output()))


def python2_pickle() -> bytes:
    """``{"conv": {"biases": BIAS}}`` as Python 2's numpy pickles it in an array."""
    biases = _array(b"K\x02\x85", b"f4", b"<", _text(BIAS.tobytes()))
    inner = b"}(" + _text(b"biases") + biases + b"u"
    return _of_objects(b"}(" + _text(b"conv") + inner + b"u")


def many_of_one(count: int, size: int = 1 << 20) -> bytes:
    """A pickle in which so many arrays name the same bytes."""
    shape = b"J" + struct.pack("<i", size // 4) + b"\x85"
    kept = b"B" + struct.pack("<I", size) + bytes(size) + b"q\x05"
    first = _array(shape, b"f4", b"<", kept)
    return _of_objects(
        b"](" + first + _array(shape, b"f4", b"<", b"h\x05") * count + b"e"
    )


def _of_objects(value: bytes) -> bytes:
    """An array without axes of one object, pickled."""
    return b"\x80\x02" + _array(b")", b"O8", b"|", b"](" + value + b"e") + b"."


def _text(value: bytes) -> bytes:
    return b"U" + bytes([len(value)]) + value


def _array(shape: bytes, dtype: bytes, order: bytes, content: bytes) -> bytes:
    made = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85"
    made += _text(b"b") + b"tR"
    kind = b"cnumpy\ndtype\n(" + _text(dtype) + b"K\x00K\x01tR"
    kind += b"(K\x03" + _text(order) + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff"
    kind += b"K" + (b"\x3f" if dtype == b"O8" else b"\x00") + b"tb"
    return made + b"(K\x01" + shape + kind + b"\x89" + content + b"tb"


def npy_of(pickled: bytes) -> bytes:
    """A file with an array of objects, whatever its pickle is."""
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (), }"
    header += b" " * (64 - (len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + pickled
