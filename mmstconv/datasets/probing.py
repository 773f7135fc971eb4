"""Which modalities a sample has, without decoding it."""

from __future__ import annotations

from collections.abc import Mapping

from .transforms.roles import role_of, steps_of


def probe_presence(dataset, info: Mapping) -> dict[str, bool] | None:
    """What the transforms of a data set would find present in a file.

    The file is opened and its header read, nothing more: sound that is all silence
    counts as present. Transforms that load something say what by their ``probe``.

    Args:
        dataset: With a ``pipeline``; others say nothing.
        info: Of the sample, as of ``dataset.get_data_info``.

    Returns:
        ``{modality: bool}``; None if the file cannot be used, or nothing in the
        pipeline can tell.
    """
    results, presence = dict(info), {}
    try:
        for step in steps_of(dataset):
            if role_of(step).step in ("fetch", "open"):
                results = step.transform(results)
            elif hasattr(step, "probe"):
                presence.update(step.probe(results))
    except Exception:  # loading the sample will say what is wrong
        return None
    finally:
        if "media" in results:
            results["media"].close()
    return presence or None
