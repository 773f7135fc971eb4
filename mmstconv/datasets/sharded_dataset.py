"""Videos in tars of the webdataset format."""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Sequence

from mmaction.registry import DATASETS
from mmengine.logging import print_log

from ..disk import FETCH_ADVICE, is_remote, public_name
from ..media.remote import fetch
from .annotation import AnnotationError, listed, read_text
from .shards import Shard, expanded, read_index, read_shard
from .transforms.roles import fetchers_of
from .video_dataset import MultiModalVideoDataset


@DATASETS.register_module()
class ShardedVideoDataset(MultiModalVideoDataset):
    """Videos in tars of the webdataset format, here or in an object store.

    A sample is a range of bytes in a tar, so this is a data set like
    :class:`MultiModalVideoDataset`: any sampler shuffles it by seed and epoch, an epoch
    has each sample once under any number of loaders and processes, a resumed run goes
    on exactly, and bad members are replaced or flagged, as ``shard.tar/member``.

    The label is in ``.cls`` (an integer, or several) or ``.json`` (``label`` or
    ``labels``); samples may have none if none has one. What a tar's end or a member
    lacks is logged by name, and the rest is used; labels that cannot be are an error.

    Args:
        ann_file: The index that ``tools/data/write_shards.py`` writes, or the tars: a
            pattern with ``*`` or ``{000000..000011}``, or a list. Without an index the
            headers of all members are read first, one request each where they are
            elsewhere.
        **kwargs: See :class:`MultiModalVideoDataset`, without ``data_prefix``.
    """

    def __init__(self, ann_file: str | Sequence[str], **kwargs) -> None:
        several = not isinstance(ann_file, str)
        self._named = list(ann_file) if several else [ann_file]
        super().__init__(ann_file=self._named[0], **kwargs)

    def load_data_list(self) -> list[dict]:
        """Reads the index, or the headers of the tars.

        Raises:
            ValueError: The tars are not on this machine, and the pipeline has no
                ``FetchMedia``; or a file is no index.
            FileNotFoundError: A tar does not exist, or is not as the index says.
            AnnotationError: Labels cannot be used; lists them.
        """
        if self.multi_class and self.num_classes is None:
            raise ValueError("multi_class=True needs num_classes")
        shards = self._shards()
        lost = [text for shard in shards for text in shard.problems]
        if lost:
            print_log(
                "left out of the shards, as they cannot be used:\n" + listed(lost),
                "current",
                logging.WARNING,
            )
        pairs = [(shard, one) for shard in shards for one in shard.samples]
        if not pairs:
            raise AnnotationError([f"{self.ann_file}: has no sample"])
        labelled = any(one.labels is not None for _, one in pairs)
        mistakes, data = [], []
        for shard, one in pairs:
            name = f"{public_name(shard.file)}/{one.member}"
            reason = self._wrong(one.labels, labelled)
            if reason:
                mistakes.append(f"{name}: {reason}")
                continue
            labels = one.labels or []
            label = labels if self.multi_class else next(iter(labels), -1)
            part = (shard.file, one.offset, one.size)
            data.append(dict(filename=name, label=label, part=part))
        if mistakes:
            raise AnnotationError(mistakes)
        return data

    def _wrong(self, labels: list[int] | None, labelled: bool) -> str:
        """What is wrong with the labels of a sample; empty if nothing is."""
        if labels is None:
            return "has no label, but others have one" if labelled else ""
        if not self.multi_class and len(labels) != 1:
            return f"has the labels {labels}; several take multi_class=True"
        top = self.num_classes
        for label in labels:
            if label < 0 or (top is not None and label >= top):
                classes = "" if top is None else f" (0 to {top - 1})"
                return f"label {label} is outside of the classes{classes}"
        return ""

    def _shards(self) -> list[Shard]:
        names = [self._placed(name) for one in self._named for name in expanded(one)]
        fetchers = fetchers_of(self)
        if not fetchers and any(map(is_remote, names)):
            name = public_name(next(filter(is_remote, names)))
            raise ValueError(f"{name} {FETCH_ADVICE}")
        for step in fetchers:
            step.check_names(names)
        store = fetchers[0].store if fetchers else None
        found: list[Shard] = []
        for name in names:
            if name.endswith(".tar"):
                found += self._read_tars(name, store)
            elif is_remote(name):
                with fetch(name, store).open() as file:
                    found += read_index(file.read().decode(), name)
            else:
                found += read_index(read_text(name), name)
        self._check_sizes(found)
        return found

    def _placed(self, name: str) -> str:
        absolute = os.path.isabs(name) or is_remote(name)
        return os.path.join(self.data_root or "", name) if not absolute else name

    def _read_tars(self, name: str, store) -> list[Shard]:
        if is_remote(name):
            with fetch(name, store).open() as file:
                return [read_shard(file, name)]
        paths = sorted(glob.glob(name)) if "*" in name else [name]
        if not paths or not all(map(os.path.isfile, paths)):
            raise FileNotFoundError(f"there is no shard {name}")
        found = []
        for path in paths:
            with open(path, "rb") as file:
                found.append(read_shard(file, path))
        return found

    def _check_sizes(self, shards: Sequence[Shard]) -> None:
        """That tars of this machine are there, and as long as the index says."""
        if not self.check_files:
            return
        wrong = []
        for shard in shards:
            if is_remote(shard.file):
                continue
            if not os.path.isfile(shard.file):
                wrong.append(f"{shard.file} does not exist")
            elif os.path.getsize(shard.file) != shard.size:
                wrong.append(f"{shard.file} has changed since its index was written")
        if wrong:
            raise FileNotFoundError(listed(wrong))
