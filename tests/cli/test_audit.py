from __future__ import annotations

from sqlalchemy import update

from app.container import Gateway
from app.models import AuditEntry
from tests.cli.conftest import Run
from tests.conftest import on_sqlite


@on_sqlite
def test_the_command_lists_exports_and_verifies(run: Run, gateway: Gateway) -> None:
    run("keys", "add", "crm")
    gateway.seal_audit_log()

    assert "cli\tkey.made\tkey:crm" in run("audit", "list").output
    assert "The chain is intact up to place 1" in run("audit", "verify").output
    assert '"act":"key.made"' in run("audit", "export").output
    with gateway.database.write() as session:
        session.execute(update(AuditEntry).where(AuditEntry.place == 1).values(subject="key:other"))
    broken = run("audit", "verify")
    assert broken.exit_code == 1
    assert "BROKEN  the entry at place 1" in broken.output
