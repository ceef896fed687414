"""Files that the business sends: taken from callers, converted, and uploaded to Meta before their messages go out.

`upload` takes a file from a caller into the vault; its id stands in a send where Meta's would. `awaiting` finds queued
sends whose files are not at Meta yet and makes them due, or fails them; `to_meta` converts and uploads one file.
`failed_links` sends again what Meta could not fetch.
"""

from app.services.outbound_media.awaiting import AwaitedUpload, SendsAwaitingMedia
from app.services.outbound_media.failed_links import RetryFailedLinks
from app.services.outbound_media.to_meta import PutAtMeta
from app.services.outbound_media.upload import NewFile, Received, UploadMedia

__all__ = ["AwaitedUpload", "NewFile", "PutAtMeta", "Received", "RetryFailedLinks", "SendsAwaitingMedia", "UploadMedia"]
