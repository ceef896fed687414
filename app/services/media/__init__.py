"""Files of messages: fetched from Meta into the vault, read with ranges, linked to, deleted.

`fetch` gets one file, `queue` claims and settles fetches and deletes what nothing uses, `thumbnails` makes small
pictures; `work` holds these for a worker. `from_meta` asks Graph. `read` finds and opens files; what is not in the
vault comes from Meta while Meta has it. `processing` writes the rows of received files, with their messages.
"""

from app.services.media.fetch import Fetched, FetchFile
from app.services.media.from_meta import MetaFiles
from app.services.media.queue import FetchQueue, Wanted
from app.services.media.read import ReadMedia
from app.services.media.work import MediaWork

__all__ = ["FetchFile", "FetchQueue", "Fetched", "MediaWork", "MetaFiles", "ReadMedia", "Wanted"]
