"""The source of a clip, where its name tells."""

from __future__ import annotations

import re

# UCF101: class, group of one source, clip.
UCF101 = re.compile(r"v_(?P<source>.+_g[0-9]{2})_c[0-9]{2}")
# Classes of HMDB51 whose first word would be taken for the end of the film's name.
TWO_WORDS = (
    "brush_hair|climb_stairs|draw_sword|fall_floor|flic_flac|kick_ball|ride_bike|"
    "ride_horse|shake_hands|shoot_ball|shoot_bow|shoot_gun|swing_baseball|"
    "sword_exercise"
)
# HMDB51: film, class, what is seen of the body, camera, people, viewpoint, quality.
HMDB51 = re.compile(
    rf"(?P<source>.+?)_(?:{TWO_WORDS}|[a-z]+)_[hulf]_(?:cm|nm)_np[0-9]+_"
    r"(?:fr|ba|le|ri)_(?:goo|med|bad)_[0-9]+"
)
# A video of YouTube and the seconds, or milliseconds, that were cut out of it.
TIME = r"[0-9]{1,9}(?:\.[0-9]{1,3})?"
CUT = re.compile(rf"(?P<source>.{{11}})_{TIME}(?:[_-]{TIME})?")


def group_of(stem: str) -> str | None:
    """The name of the source, as files of UCF101, HMDB51 and YouTube have it.

    Args:
        stem: Name of a file without folders and suffix.
    """
    for pattern in (UCF101, HMDB51, CUT):
        if match := pattern.fullmatch(stem):
            return match["source"]
    return None
