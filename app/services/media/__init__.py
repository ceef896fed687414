"""Files of messages: fetched from Meta into the vault, read with ranges, linked to, deleted.

`fetch` gets one file, `queue` claims and settles fetches and deletes what nothing uses; `from_meta` asks Graph. `read`
finds and opens files; a file that is not in the vault comes from Meta while Meta has it. The rows of received files are
written by `processing`, with their messages; erasing is `store.media.release`.
"""

from app.services.media.fetch import Fetched, FetchFile
from app.services.media.from_meta import MetaFiles
from app.services.media.queue import DiscardContents, FetchQueue, Wanted
from app.services.media.read import ReadMedia

__all__ = [
    "DiscardContents", "FetchFile", "FetchQueue", "Fetched", "MetaFiles", "ReadMedia", "Wanted",
]  # fmt: skip
