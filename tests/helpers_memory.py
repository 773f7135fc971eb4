"""The memory that reading a file takes, measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "mmstconv"
CHILD = """
import json, sys
# the folder alone imports in no time
from media import MediaError, MediaLimits, open_media

def peak():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1])

path, times, reader, options, sound, limits = json.loads(sys.argv[1])
before, shape, extent, error = peak(), None, None, None
try:
    with open_media(path, reader, limits=MediaLimits(**limits)) as media:
        if media.has_video:
            shape = media.frames_at(times, **options)[0].shape
        extent = media.extent
        if sound:
            media.waveform(times[0], times[0] + 1, 16000)
except MediaError as caught:
    error = type(caught).__name__
grown = (peak() - before) / 1024
print(json.dumps(dict(grown=grown, shape=shape, extent=extent, error=error)))
"""


def measure(
    path, times=(0.0,), reader="pyav", sound=False, limits=None, **options
) -> dict:
    """Reads frames, and a second of sound, of a file.

    Returns:
        ``grown`` (MiB by which the peak grew), ``shape`` of a frame, ``extent``, and
        the name of the ``error``.
    """
    task = [
        str(path),
        [float(time) for time in times],
        reader,
        options,
        sound,
        limits or {},
    ]
    child = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps(task)],
        cwd=PACKAGE,
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stderr
    return json.loads(child.stdout)
