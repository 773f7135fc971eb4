"""Files of features: NumPy's .npy and .npz, HDF5, Parquet.

Each is whole or not there, is written row by row, and has the same content: an array
``(R, D_m)`` of each modality, ``seconds`` ``(R, 2)``, and metadata as JSON.
"""

from __future__ import annotations

import json
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np

from ...disk import own_file
from .rows import FeatureRows
from .spool import SECONDS, Spool

METADATA = "metadata"


class Rows(Protocol):
    """What rows of one file are appended to; what it is of is told at the end."""

    def append(self, rows: FeatureRows) -> None: ...

    def finish(self, metadata: Mapping) -> None: ...


class FeatureFiles(ABC):
    """The files of a folder, one for each video.

    Args:
        folder: Must exist.
        widths: ``{modality: D_m}``.
    """

    suffix: str
    package: str | None = None  # that is needed, beyond what is always installed

    def __init__(self, folder: Path, widths: Mapping[str, int]) -> None:
        self.folder = folder
        self.widths = dict(widths)

    @classmethod
    def require(cls) -> None:
        """Raise ``ImportError``, with what to install, if its package is missing."""
        if cls.package is not None and find_spec(cls.package) is None:
            raise ImportError(
                f"files with the suffix {cls.suffix} need {cls.package}: pip install "
                "'mmstconv[tables]'"
            )

    def path(self, name: str) -> Path:
        """Of the file that says which video it is of, and comes last."""
        return self.folder / (name + self.suffix)

    def paths(self, name: str) -> list[Path]:
        """Of all files of a video."""
        return [self.path(name)]

    def metadata(self, name: str) -> dict | None:
        """What is noted of a video; None: nothing is there, or nothing of ours."""
        path = self.path(name)
        if not path.is_file():
            return None
        try:
            found = json.loads(self.read_metadata(path))
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            return None
        return found if isinstance(found, dict) else None

    @abstractmethod
    def read_metadata(self, path: Path) -> str:
        """JSON; raises ``OSError``, ``ValueError`` or ``KeyError`` if there is none."""

    @abstractmethod
    def writing(self, name: str) -> Iterator[Rows]:
        """A context: what is written of a video is there when it ends, if at all.

        Raises:
            ForeignFile: A file is in the way that was not written here.
        """


class _Spooled:
    """Rows that wait in a spool."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.metadata: str | None = None

    def append(self, rows: FeatureRows) -> None:
        self.spool.append(rows)

    def finish(self, metadata: Mapping) -> None:
        self.metadata = json.dumps(metadata)


@contextmanager
def _spooled(files: FeatureFiles, name: str) -> Iterator[_Spooled]:
    spool = Spool(files.folder, name, files.widths)
    try:
        yield _Spooled(spool)
    finally:
        spool.remove()


class NpzFiles(FeatureFiles):
    """``NAME.npz`` with an array of each modality, ``seconds`` and ``metadata``."""

    suffix = ".npz"

    def read_metadata(self, path: Path) -> str:
        with np.load(path, allow_pickle=False) as file:
            return str(file[METADATA])

    @contextmanager
    def writing(self, name: str) -> Iterator[Rows]:
        with _spooled(self, name) as rows:
            yield rows
            with own_file(self.path(name)) as part, part.open("wb") as file:
                note = np.array(rows.metadata)
                np.savez(file, **rows.spool.arrays(), **{METADATA: note})


class NpyFiles(FeatureFiles):
    """``MODALITY/NAME.npy``, ``seconds/NAME.npy`` and ``metadata/NAME.json``."""

    suffix = ".json"

    def path(self, name: str) -> Path:
        return self.folder / METADATA / (name + self.suffix)

    def paths(self, name: str) -> list[Path]:
        arrays = [self.array_path(part, name) for part in [*self.widths, SECONDS]]
        return [*arrays, self.path(name)]

    def read_metadata(self, path: Path) -> str:
        missing = [one for one in self.paths(path.stem) if not one.is_file()]
        if missing:
            raise FileNotFoundError(missing[0])
        return path.read_text()

    def array_path(self, part: str, name: str) -> Path:
        return self.folder / part / f"{name}.npy"

    @contextmanager
    def writing(self, name: str) -> Iterator[Rows]:
        note = self.path(name)
        for part in [*self.widths, SECONDS, METADATA]:
            (self.folder / part).mkdir(exist_ok=True)
        with _spooled(self, name) as rows:
            yield rows
            with ExitStack() as stack:  # the note first: it is published last
                said = stack.enter_context(own_file(note, self.folder))
                said.write_text(rows.metadata + "\n")
                for part, x in rows.spool.arrays().items():
                    path = self.array_path(part, name)
                    with own_file(path, self.folder) as new, new.open("wb") as file:
                        np.save(file, x)


class Hdf5Files(FeatureFiles):
    """``NAME.h5`` with a data set of each modality and ``seconds``; the metadata are
    an attribute of the file."""

    suffix = ".h5"
    package = "h5py"

    def read_metadata(self, path: Path) -> str:
        import h5py

        with h5py.File(path, "r") as file:
            return str(file.attrs[METADATA])

    @contextmanager
    def writing(self, name: str) -> Iterator[Rows]:
        import h5py

        with own_file(self.path(name)) as part, h5py.File(part, "w") as file:
            for one, width in {**self.widths, SECONDS: 2}.items():
                kind = np.float64 if one == SECONDS else np.float32
                shape, most = (0, width), (None, width)
                chunks = (max(1, min(256, (1 << 18) // width)), width)
                file.create_dataset(one, shape, kind, maxshape=most, chunks=chunks)
            yield _Hdf5Rows(file)


class _Hdf5Rows:
    def __init__(self, file) -> None:
        self.file = file

    def append(self, rows: FeatureRows) -> None:
        for name, x in {**rows.feats, SECONDS: rows.seconds}.items():
            there = self.file[name]
            there.resize(len(there) + len(x), axis=0)
            there[len(there) - len(x) :] = x

    def finish(self, metadata: Mapping) -> None:
        self.file.attrs[METADATA] = json.dumps(metadata)


class ParquetFiles(FeatureFiles):
    """``NAME.parquet``: a row for each row, with ``start`` and ``end`` in seconds, and
    of each modality a list of numbers and whether the file has it."""

    suffix = ".parquet"
    package = "pyarrow"

    def read_metadata(self, path: Path) -> str:
        from pyarrow import ArrowException, parquet

        try:
            return parquet.read_metadata(path).metadata[METADATA.encode()].decode()
        except (ArrowException, TypeError) as error:
            raise ValueError(str(error)) from error

    @contextmanager
    def writing(self, name: str) -> Iterator[Rows]:
        import pyarrow as pa
        from pyarrow import parquet

        fields = [pa.field("start", pa.float64()), pa.field("end", pa.float64())]
        for one, width in self.widths.items():
            fields.append(pa.field(one, pa.list_(pa.float32(), width)))
            fields.append(pa.field(f"{one}_present", pa.bool_()))
        schema = pa.schema(fields)
        with own_file(self.path(name)) as part:
            with parquet.ParquetWriter(part, schema) as writer:
                yield _ParquetRows(writer, schema)


class _ParquetRows:
    def __init__(self, writer, schema) -> None:
        self.writer, self.schema = writer, schema

    def append(self, rows: FeatureRows) -> None:
        import pyarrow as pa

        columns = [pa.array(rows.seconds[:, 0]), pa.array(rows.seconds[:, 1])]
        for name, x in rows.feats.items():
            flat = pa.array(np.ascontiguousarray(x, np.float32).ravel())
            columns.append(pa.FixedSizeListArray.from_arrays(flat, x.shape[1]))
            columns.append(pa.array([bool(rows.presence[name])] * rows.count))
        self.writer.write_table(pa.Table.from_arrays(columns, schema=self.schema))

    def finish(self, metadata: Mapping) -> None:
        self.writer.add_key_value_metadata({METADATA: json.dumps(metadata)})


FORMATS: Mapping[str, type[FeatureFiles]] = {
    "npy": NpyFiles,
    "npz": NpzFiles,
    "h5": Hdf5Files,
    "parquet": ParquetFiles,
}
