"""Run a tool of MMAction2 by its name, after our repairs of today's stack.

mim run mmstconv mmaction2 confusion_matrix CONFIG CKPT --show-path matrix.png
python tools/mmaction2.py browse_dataset CONFIG OUTPUT_DIR

Checkpoints are opened as ours are: no code in them runs. MMSTCONV_TRUST=1 in the
environment opens those with unknown Python objects, if they are yours.
"""

import os
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path

from mmstconv.disk import print_any_name  # and our repairs


def main():
    print_any_name()
    (package,) = find_spec("mmaction").submodule_search_locations
    tools = {path.stem: path for path in Path(package, ".mim", "tools").rglob("*.py")}
    if len(sys.argv) < 2 or sys.argv[1] not in tools:
        text = f"{__doc__}\nTools: {', '.join(sorted(tools))}"
        if {"-h", "--help"} & {*sys.argv[1:2]}:
            print(text)
            sys.exit(0)
        sys.exit(text)
    from mmstconv.engine.messages import short_errors

    del sys.argv[0]
    name = sys.argv[0]
    sys.argv[0] = str(tools[name])
    sys.path[0] = str(Path(sys.argv[0]).parent)
    with short_errors("mmaction2"):
        run(name)


def run(name):
    """Start a tool that ``sys.argv`` has been set for."""
    import torch

    from mmstconv.checkpoints.reading import CheckpointError, read_checkpoint

    def load(file, map_location=None, **kwargs):
        """``torch.load``, which some tools call past MMEngine."""
        if isinstance(file, (str, os.PathLike)):
            return read_checkpoint(file, map_location=map_location or "cpu")
        return torch_load(file, map_location, **kwargs)

    torch_load, torch.load = torch.load, load
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except CheckpointError as error:
        sys.exit(f"mmaction2 {name}: {error}")
    finally:
        torch.load = torch_load


if __name__ == "__main__":
    main()
