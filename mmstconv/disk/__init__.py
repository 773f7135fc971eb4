"""Files and folders of the user: nothing of theirs is lost, whatever is written.

Knows nothing of media or models, and needs nothing but Python.
"""

from .lock import FolderInUse, FolderLock
from .names import (
    FETCH_ADVICE,
    REMOTE_ADVICE,
    is_remote,
    local_path,
    media_path,
    print_any_name,
    public_name,
)
from .own import (
    ForeignFile,
    is_own,
    own_file,
    refuse_foreign,
    write_own,
    write_own_json,
)
from .unfinished import remove_unfinished, unfinished_path

__all__ = [
    "FETCH_ADVICE",
    "REMOTE_ADVICE",
    "FolderInUse",
    "FolderLock",
    "ForeignFile",
    "is_own",
    "is_remote",
    "local_path",
    "media_path",
    "own_file",
    "print_any_name",
    "public_name",
    "refuse_foreign",
    "remove_unfinished",
    "unfinished_path",
    "write_own",
    "write_own_json",
]
