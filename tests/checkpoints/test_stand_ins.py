"""Objects of MMEngine, numpy and Python in a file: read, and nothing of them run."""

from __future__ import annotations

import argparse
import io
import pickle
import sys
import zipfile
from collections import OrderedDict, defaultdict
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from mmengine.optim import OneCycleLR
from torch import nn

from mmstconv.checkpoints.plain import HISTORY
from mmstconv.checkpoints.reading import CheckpointError, read_checkpoint


def read(content, tmp_path, **kwargs):
    torch.save(content, tmp_path / "x.pth", **kwargs)
    return read_checkpoint(tmp_path / "x.pth")


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_what_stock_mmengine_saves(tmp_path, zipped):
    history = HistoryBuffer([1.0, 0.5], [1, 2], max_length=3)
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
    scheduler = OneCycleLR(optimizer, eta_max=1.0, total_steps=10).state_dict()
    loaded = read(
        dict(
            state_dict=OrderedDict(weight=torch.ones(2)),
            message_hub=dict(
                log_scalars=OrderedDict(a=history, empty=HistoryBuffer(), same=history),
                runtime_info=dict(best=np.float64(0.5)),
            ),
            param_schedulers=[scheduler],
        ),
        tmp_path,
        _use_new_zipfile_serialization=zipped,
    )
    scalars = loaded["message_hub"]["log_scalars"]
    log, count, length = scalars["a"][HISTORY]
    assert (log.tolist(), count.tolist(), length) == ([1.0, 0.5], [1, 2], 3)
    assert scalars["same"] is scalars["a"]
    assert len(scalars["empty"][HISTORY][0]) == 0
    best = loaded["message_hub"]["runtime_info"]["best"]
    assert type(best) is float and best == 0.5
    (state,) = loaded["param_schedulers"]
    assert state == {k: v for k, v in scheduler.items() if k != "anneal_func"}


def test_numpy_s_numbers_and_arrays(tmp_path):
    culprits = []
    for kind in "?bhilBHILefdFD":
        values = np.arange(6).reshape(2, 3).astype(kind)
        for array in (values, values.astype(values.dtype.newbyteorder()), values.T):
            loaded = read(dict(a=np.asfortranarray(array), b=array[0, 1]), tmp_path)
            same = np.array_equal(np.asarray(loaded["a"]), array)
            number = loaded["b"] == array[0, 1]
            if not (same and number) or isinstance(loaded["b"], np.generic):
                culprits.append((array.dtype.str, array.shape))
    assert culprits == []


def test_text_and_what_other_projects_save(tmp_path):
    by_name = defaultdict(dict)
    by_name["x"] = [1]
    content = dict(
        names=np.array(["a", "bc"]),
        name=np.str_("d"),
        args=argparse.Namespace(lr=np.float32(0.5), path=Path("/a/b"), ks=(1, 2)),
        relative=PurePosixPath("c/d"),
        cfg=ConfigDict(model=dict(type="X")),
        by_name=by_name,
    )
    assert read(content, tmp_path) == dict(
        names=["a", "bc"],
        name="d",
        args=dict(lr=0.5, path="/a/b", ks=(1, 2)),
        relative="c/d",
        cfg=dict(model=dict(type="X")),
        by_name=dict(x=[1]),
    )


def test_what_was_allowed_before_is_allowed_afterwards(tmp_path):
    from torch.serialization import add_safe_globals, get_safe_globals, safe_globals

    with safe_globals([]):
        add_safe_globals([np.dtype])  # by its own name, not for our reading
        before = set(get_safe_globals())
        assert read(dict(a=np.float64(2)), tmp_path) == dict(a=2.0)
        with pytest.raises(CheckpointError):
            read(dict(a=np.array([object()])), tmp_path)
        assert set(get_safe_globals()) == before
        torch.serialization.clear_safe_globals()


# -- attacks: pickles written by hand, as torch.save would never write them --


def pickled(text: str) -> bytes:
    """Protocol 2 from lines: ``module name`` looks one up, others are operations."""
    out = b"\x80\x02"
    for token in text.split("|"):
        token = token.strip()
        if token.startswith("c "):
            out += b"c" + "\n".join(token[2:].split()).encode() + b"\n"
        elif token.startswith("s "):
            data = token[2:].encode()
            out += b"X" + len(data).to_bytes(4, "little") + data
        elif token.startswith("i "):
            out += b"J" + int(token[2:]).to_bytes(4, "little", signed=True)
        else:
            out += (
                token.replace("NEWOBJ", "\x81")
                .replace("ONE", "\x85")
                .replace("TWO", "\x86")
                .encode("latin1")
            )
    return out + b"."


ATTACKS = dict(
    # getattr is there for HistoryBuffer.min alone: it must give nothing to call
    getattr_os="c __builtin__ getattr|c mmengine.logging.history_buffer HistoryBuffer"
    "|s __init__|TWO|R|s touch harmed|ONE|R",
    getattr_chain="c __builtin__ getattr|c __builtin__ getattr"
    "|c numpy ndarray|s __class__|TWO|R|s __subclasses__|TWO|R|)|R",
    globals_of_function="c __builtin__ getattr|c numpy.core.multiarray scalar"
    "|s __globals__|TWO|R|s x|ONE|R",
    eval_="c __builtin__ eval|s open('harmed','w')|ONE|R",
    system="c posix system|s touch harmed|ONE|R",
    numpy_load="c numpy load|s x|ONE|R",
    numpy_f2py="c numpy.testing._private.utils runstring|s open('harmed','w')|}|TWO|R",
    code_of_mmengine="c mmengine.config.config Config.fromstring|s x|ONE|R",
    class_state="c numpy dtype|}|s x|i 1|s|b",
    history_of_text="c mmengine.logging.history_buffer HistoryBuffer|)|NEWOBJ|s text|b",
    history_of_nothing="c mmengine.logging.history_buffer HistoryBuffer|)|NEWOBJ",
    history_called="c mmengine.logging.history_buffer HistoryBuffer|]|]|TWO|R",
    setattr_="c mmengine.logging.history_buffer HistoryBuffer|)|NEWOBJ"
    "|N|}|s __class__|i 1|s|TWO|b",
    namespace_class="c argparse Namespace|)|NEWOBJ|s __class__|b",
    array_without_state="c numpy._core.multiarray _reconstruct|c numpy ndarray|i 0"
    "|ONE|s b|\x87|R",
    array_of_objects="c numpy._core.multiarray _reconstruct|c numpy ndarray|i 0|ONE"
    "|s b|\x87|R|(|i 1|(|i 1|t|c numpy dtype|s O8|ONE|R|\x89|]|t|b",
    array_of_records="c numpy._core.multiarray scalar|c numpy dtype|s f8|ONE|R"
    "|(|i 3|s <|i 1|i 2|i 3|i 8|i 8|i 0|t|b|s 12345678|TWO|R",
    scalar_of_objects="c numpy.core.multiarray scalar|c numpy dtype|s O|ONE|R|s x"
    "|TWO|R",
    scalar_of_text="c numpy.core.multiarray scalar|c numpy dtype|s U99999999|ONE|R"
    "|s x|TWO|R",
    dtype_of_commas="c numpy.core.multiarray scalar|c numpy dtype|s f8,O8|ONE|R"
    "|s x|TWO|R",
    as_subclass="c torch._tensor _rebuild_from_type_v2|(|c numpy dtype"
    "|c mmengine.logging.history_buffer HistoryBuffer|s x|ONE|}|t|R",
    path_of_objects="c pathlib PosixPath|]|ONE|R",
)


def outcome(path: Path) -> str:
    """Empty if a file is refused by name, or what it names is dropped as inert."""
    try:
        loaded = read_checkpoint(path)
    except CheckpointError as error:
        return "" if str(path) in str(error) else f"{error!r} without its path"
    except Exception as error:
        return repr(error)
    return "" if loaded in ({}, {"a": None}) else f"read as {loaded}"


def test_nothing_that_a_file_names_is_used(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    utils = "numpy.testing._private.utils"
    known, culprits = utils in sys.modules, {}
    for name, attack in ATTACKS.items():
        content = b"\x80\x02}(X\x01\x00\x00\x00a" + pickled(attack)[2:-1] + b"u."
        path = tmp_path / f"{name}.pth"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x/data.pkl", content)
            archive.writestr("x/version", "3\n")
            archive.writestr("x/byteorder", sys.byteorder)
        culprits[name] = outcome(path)
        if (tmp_path / "harmed").exists():
            (tmp_path / "harmed").unlink()
            culprits[name] += " and its code ran"
        if not known and utils in sys.modules:
            culprits[name] += " and a module was imported"
    assert len(culprits) == len(ATTACKS)
    wrong = {name: said for name, said in culprits.items() if said}
    assert not wrong, wrong


def test_the_attacks_are_pickles(tmp_path):
    """Else they would show nothing: Python's own unpickler runs the first of them."""
    made = pickle.loads(pickled("c __builtin__ eval|s [1, 2]|ONE|R"))
    assert made == [1, 2]
    for name in ("system", "array_of_objects", "getattr_os"):
        found = [code.name for code, *_ in pickle_operations(ATTACKS[name])]
        assert found[-1] == "STOP" and "REDUCE" in found


def pickle_operations(attack: str):
    import pickletools

    return list(pickletools.genops(io.BytesIO(pickled(attack))))


def test_content_that_would_take_all_memory_or_time(tmp_path):
    """A list of a list of ... of the same list, and one that holds itself."""
    laughs = []
    for _ in range(200):
        laughs = [laughs, laughs, laughs]
    itself = []
    itself.append(itself)
    loaded = read(dict(a=laughs, b=itself, c=np.float64(1)), tmp_path)
    assert loaded["c"] == 1.0 and loaded["b"][0] is loaded["b"]
    assert loaded["a"][0] is loaded["a"][1]
