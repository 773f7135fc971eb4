"""Files and folders of the user: nothing of theirs is lost, whatever is written.

Knows nothing of media or models, and needs nothing but Python.
"""

from .journal import journal_lines, only_writer
from .lock import FolderInUse, FolderLock
from .names import (
    FETCH_ADVICE,
    REMOTE_ADVICE,
    is_remote,
    lasting_name,
    local_path,
    media_path,
    public_name,
)
from .own import (
    ForeignFile,
    file_digest,
    is_own,
    own_file,
    refuse_foreign,
    write_own,
    write_own_json,
)
from .own_folder import is_own_folder, own_folder
from .state import state_of
from .streams import print_any_name
from .unfinished import remove_unfinished, unfinished_path

__all__ = [
    "FETCH_ADVICE",
    "REMOTE_ADVICE",
    "FolderInUse",
    "FolderLock",
    "ForeignFile",
    "file_digest",
    "is_own",
    "is_own_folder",
    "is_remote",
    "journal_lines",
    "lasting_name",
    "local_path",
    "media_path",
    "only_writer",
    "own_file",
    "own_folder",
    "print_any_name",
    "public_name",
    "refuse_foreign",
    "remove_unfinished",
    "state_of",
    "unfinished_path",
    "write_own",
    "write_own_json",
]
