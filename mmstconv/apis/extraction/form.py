"""What is extracted, and on which clocks."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ...datasets.transforms.flow import METHODS

KINDS = ("frames", "flow", "audio")
# Of the sound, as the configs in configs/recognition/extracted read it.
BANDS = 80
ROWS = 50  # a second


@dataclass(frozen=True)
class ExtractedForm:
    """What to make of a video.

    Args:
        kinds: Of ``'frames'``, ``'flow'`` and ``'audio'``.
        fps: Images a second, whatever the video's rate.
        short_side: Pixels of the shorter side of images.
        method: Of the flow, as of ``ComputeFlow``.
        bound: Flow in pixels that the images' extremes stand for.
    """

    kinds: tuple[str, ...] = KINDS
    fps: float = 25.0
    short_side: int = 128
    method: str = "dis_fast"
    bound: float = 20.0

    def __post_init__(self) -> None:
        allowed = {"kinds": KINDS, "method": tuple(METHODS)}
        for name, values in allowed.items():
            given = getattr(self, name)
            given = (given,) if isinstance(given, str) else given
            if not given or not set(given) <= set(values):
                raise ValueError(f"{name} must be of {', '.join(values)}, got {given}")
        for name in ("fps", "short_side", "bound"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")

    @property
    def has_images(self) -> bool:
        return "frames" in self.kinds or "flow" in self.kinds

    def as_text(self) -> str:
        """Tells one form from another, in a journal."""
        return " ".join(f"{name}={value}" for name, value in asdict(self).items())
