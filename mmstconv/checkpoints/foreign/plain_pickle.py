"""Arrays, numbers, texts and containers from a pickle, without unpickling it.

NumPy pickles what is no array of numbers, such as a dictionary of arrays. The opcodes
are read one by one here and nothing that they name is imported or called: the names
that NumPy needs mean :mod:`~mmstconv.checkpoints.stand_ins`, every other is an error.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping
from types import MappingProxyType

from ..stand_ins import STAND_INS, NotedArray, is_note, settle

_CONSTANTS = MappingProxyType({"NONE": None, "NEWTRUE": True, "NEWFALSE": False})
_VALUES = frozenset(
    "INT LONG LONG1 LONG4 BININT BININT1 BININT2 FLOAT BINFLOAT STRING BINSTRING "
    "SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES "
    "SHORT_BINBYTES BINBYTES8 BYTEARRAY8".split()
)
_NEW: Mapping[str, Callable] = MappingProxyType(
    {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
)
_TUPLES = MappingProxyType({"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3})
_PUTS = frozenset(("PUT", "BINPUT", "LONG_BINPUT"))
_GETS = frozenset(("GET", "BINGET", "LONG_BINGET"))
_IGNORED = frozenset(("PROTO", "FRAME", "STOP"))
_MARK = object()


def _encoded(text, encoding):
    """Bytes as Python 3 writes them for Python 2."""
    return text.encode("latin-1")


class _AnyArray(NotedArray):
    """An array of numbers, or of objects that are values of the pickle."""

    __slots__ = ()

    def objects(self):
        """A list, or the one object of an array without axes; None if of numbers."""
        *_, shape, dtype, _, items = self.state
        if getattr(dtype, "name", None) not in ("O", "O4", "O8"):
            return None
        if type(items) is not list or (shape == () and len(items) != 1):
            raise ValueError("an array of objects that is none")
        return items[0] if shape == () else items


def _reconstruct(kind, shape, code):
    return _AnyArray()


_ALLOWED: Mapping[str, Callable] = MappingProxyType(
    {
        **STAND_INS,
        "numpy._core.multiarray._reconstruct": _reconstruct,
        "numpy.core.multiarray._reconstruct": _reconstruct,
        "collections.OrderedDict": dict,
        "_codecs.encode": _encoded,
    }
)


class ForbiddenName(ValueError):
    """A pickle names what is neither an array nor a container."""


def load_plain(data: bytes, spend: Callable[[int], None]):
    """The plain values in a pickle; arrays become tensors.

    Args:
        data: The pickle.
        spend: Is told the bytes of each array before there is memory for it: many may
            name the same bytes of the file.

    Raises:
        ForbiddenName: It names anything else; the name is the message.
        Exception: It is broken; whatever that leads to.
    """
    machine = _Machine(spend)
    for opcode, argument, _ in pickletools.genops(data):
        machine.step(opcode.name, argument)
    (value,) = machine.stack
    return settle(value)


class _Machine:
    """The stack and the memory of a pickle."""

    def __init__(self, spend: Callable[[int], None]) -> None:
        self.spend = spend
        self.stack: list = []
        self.memo: dict = {}
        self.others = {
            "APPEND": lambda: self.extend(self.last(1)),
            "APPENDS": lambda: self.extend(self.marked()),
            "BUILD": self.build,
            "DICT": lambda: self.stack.append(_pairs(self.marked())),
            "LIST": lambda: self.stack.append(self.marked()),
            "NEWOBJ": self.call,
            "POP": lambda: self.last(1),
            "REDUCE": self.call,
            "SETITEM": lambda: self.update(self.last(2)),
            "SETITEMS": lambda: self.update(self.marked()),
            "STACK_GLOBAL": lambda: self.name(".".join(self.last(2))),
            "TUPLE": lambda: self.stack.append(tuple(self.marked())),
        }

    def step(self, name: str, argument) -> None:
        stack, memo = self.stack, self.memo
        if name in _VALUES:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _NEW:
            stack.append(_NEW[name]())
        elif name in _PUTS:
            memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in _GETS:
            stack.append(memo[argument])
        elif name == "MARK":
            stack.append(_MARK)
        elif name in _TUPLES:
            stack.append(tuple(self.last(_TUPLES[name])))
        elif name == "GLOBAL":
            self.name(argument.replace(" ", ".", 1))
        elif name in self.others:
            self.others[name]()
        elif name not in _IGNORED:
            raise ForbiddenName(f"the opcode {name}")

    def last(self, count: int) -> list:
        if len(self.stack) < count:
            raise ValueError("a pickle that takes more than it has")
        taken = self.stack[-count:]
        del self.stack[-count:]
        return taken

    def marked(self) -> list:
        """All above the last mark, which goes too."""
        taken = []
        while (value := self.stack.pop()) is not _MARK:
            taken.append(value)
        return taken[::-1]

    def extend(self, items: list) -> None:
        if type(self.stack[-1]) is not list:
            raise ValueError("a pickle that appends to what is no list")
        self.stack[-1].extend(items)

    def update(self, items: list) -> None:
        if not isinstance(self.stack[-1], dict):
            raise ValueError("a pickle that sets items of what is no dictionary")
        self.stack[-1].update(_pairs(items))

    def name(self, path: str) -> None:
        if path not in _ALLOWED:
            raise ForbiddenName(path)
        self.stack.append(_ALLOWED[path])

    def call(self) -> None:
        made, arguments = self.last(2)
        if not any(made is one for one in _ALLOWED.values()):
            raise ForbiddenName(f"a call of a {type(made).__name__}")
        if made is _encoded:
            self.spend(len(arguments[0]))
        self.stack.append(made(*arguments))

    def build(self) -> None:
        (state,) = self.last(1)
        if not is_note(self.stack[-1]):
            raise ForbiddenName(f"the state of a {type(self.stack[-1]).__name__}")
        if type(state) is tuple:
            self.spend(sum(len(x) for x in state if isinstance(x, (bytes, str, list))))
        self.stack[-1].__setstate__(state)


def _pairs(items: list) -> dict:
    return dict(zip(items[::2], items[1::2], strict=True))
