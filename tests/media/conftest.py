import sys
from pathlib import Path

import av  # noqa: F401  (before decord, whose libvpx would replace that of PyAV)

sys.path.insert(0, str(Path(__file__).parents[1]))  # for helpers_media
