"""Predictions in a file, for later."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

from mmaction.registry import METRICS
from mmengine.evaluator import DumpResults

from ..disk import own_file, refuse_foreign


@METRICS.register_module()
class OwnDumpResults(DumpResults):
    """MMEngine's ``DumpResults`` that replaces no file that it has not written.

    Same arguments, same content.

    Raises:
        ForeignFile: There is such a file; said before anything is computed.
    """

    def __init__(self, out_file_path: str, **kwargs) -> None:
        super().__init__(out_file_path, **kwargs)
        refuse_foreign([out_file_path])
        Path(out_file_path).parent.mkdir(parents=True, exist_ok=True)

    def compute_metrics(self, results: Sequence) -> dict:
        """Writes the predictions; gives no measure."""
        with own_file(self.out_file_path) as part:
            part.write_bytes(pickle.dumps(list(results)))
        return {}
