"""Backups: make one while the gateway works, and put one back so that nothing is sent twice and nobody comes back.

`create_backup` takes a consistent snapshot of the database and of the files it names, and writes one archive
(`archive`), encrypted if wished (`sealing`), to a file or an object store (`places`). `restore_backup` reads one,
brings its schema up to date, forgets the erased again and holds what waited. `TakeSnapshots` is a worker's hourly
snapshot.
"""

from app.services.backups.create import Report, create_backup
from app.services.backups.media import MediaSource, restore_files
from app.services.backups.places import place_of
from app.services.backups.restore import (
    Unpacked,
    bring_up_to_date,
    check_key,
    refuse_in_use,
    restore_postgresql,
    restore_sqlite,
    unpacked,
)
from app.services.backups.schedule import TakeSnapshots
from app.services.backups.settle import Settled, settle

__all__ = [
    "MediaSource",
    "Report",
    "Settled",
    "TakeSnapshots",
    "Unpacked",
    "bring_up_to_date",
    "check_key",
    "create_backup",
    "place_of",
    "refuse_in_use",
    "restore_files",
    "restore_postgresql",
    "restore_sqlite",
    "settle",
    "unpacked",
]
