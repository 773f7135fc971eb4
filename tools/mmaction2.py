"""Run a tool of MMAction2 by its name, after our repairs of today's stack.

mim run mmstconv mmaction2 confusion_matrix CONFIG CKPT --show-path matrix.png
python tools/mmaction2.py browse_dataset CONFIG OUTPUT_DIR
"""

import runpy
import sys
from importlib.util import find_spec
from pathlib import Path

from mmstconv.engine.messages import short_errors


@short_errors("mmaction2")
def main():
    (package,) = find_spec("mmaction").submodule_search_locations
    tools = {path.stem: path for path in Path(package, ".mim", "tools").rglob("*.py")}
    if len(sys.argv) < 2 or sys.argv[1] not in tools:
        sys.exit(f"{__doc__}\nTools: {', '.join(sorted(tools))}")
    del sys.argv[0]
    sys.argv[0] = str(tools[sys.argv[0]])
    sys.path[0] = str(Path(sys.argv[0]).parent)
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
