"""Which head of a model does what, be it one head or several on one joint."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from ..models.heads import BaseCaptionHead, MultiTaskHead


def heads_of(model: nn.Module) -> dict[str, nn.Module]:
    """``{name: head}`` of all tasks of a model; the name of a single one is empty.

    Raises:
        ValueError: The model is no recognizer.
    """
    head = getattr(model, "cls_head", None)
    if head is None:
        raise ValueError(
            f"the model is a {type(model).__name__}, which has no cls_head: take the "
            "config of a recognizer (for frames to come: predict_frames)"
        )
    return dict(head.heads.items()) if isinstance(head, MultiTaskHead) else {"": head}


def require_streams(model: nn.Module) -> None:
    """Raise unless a model has streams.

    Raises:
        ValueError: It has none.
    """
    if not hasattr(model, "streams"):
        raise ValueError(
            f"the model is a {type(model).__name__}, which has no streams along a "
            "video: take a config with a TriModalRecognizer"
        )


def class_head(model: nn.Module) -> nn.Module | None:
    """The head that says the class of a clip, if there is one."""
    return _first(
        model,
        lambda head: hasattr(head, "num_classes") and not hasattr(head, "reach"),
    )


def require_classes(model: nn.Module) -> None:
    """Raise unless a model says the class of a clip.

    Raises:
        ValueError: It has no head for that.
    """
    if class_head(model) is None:
        raise ValueError(
            f"model.cls_head is a {head_name(model)}, which gives clips no classes: "
            "take the command for its task (detect, summarize, caption), or analyze"
        )


def event_head(model: nn.Module) -> nn.Module | None:
    """The head that detects events, if there is one."""
    return _first(model, lambda head: hasattr(head, "reach"))


def summary_head(model: nn.Module) -> nn.Module | None:
    """The head that rates steps, if there is one."""
    return _first(model, lambda head: getattr(head, "rates_steps", False))


def caption_head(model: nn.Module) -> nn.Module | None:
    """The head that says sentences, if there is one."""
    return _first(model, lambda head: isinstance(head, BaseCaptionHead))


def names_of_classes(model: nn.Module, head: nn.Module) -> list[str]:
    """The name of each class of a head; its number where there are none."""
    meta = getattr(model, "dataset_meta", None) or {}
    for name, one in heads_of(model).items():
        if one is head and name:
            meta = (meta.get("tasks") or {}).get(name) or {}
    names = meta.get("classes")
    if isinstance(names, (list, tuple)) and len(names) == head.num_classes:
        return [str(name) for name in names]
    return [str(label) for label in range(head.num_classes)]


def head_name(model: nn.Module) -> str:
    """How a message calls the head of a model."""
    names = [type(head).__name__ for head in heads_of(model).values()]
    several = isinstance(model.cls_head, MultiTaskHead)
    return f"MultiTaskHead of {', '.join(names)}" if several else names[0]


def _first(model: nn.Module, does: Callable[[nn.Module], bool]) -> nn.Module | None:
    return next((head for head in heads_of(model).values() if does(head)), None)
