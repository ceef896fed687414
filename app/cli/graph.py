"""`graph …`: the Graph-compatible face for applications that have Meta's host name built in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.base import CommandGroup, services
from app.clock import utc_now

if TYPE_CHECKING:
    from app.services.graph_proxy.certificate import State


@click.group(cls=CommandGroup)
def graph() -> None:
    """For applications that have Meta's host name built in."""


@graph.command("certificate")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where keys and certificates are, or go. [default: data/graph-ca in the project's folder]",
)
@click.option("--renew", is_flag=True, help="Make a new certificate even if the old one is good for a month or more.")
def make(folder: Path | None, renew: bool) -> None:
    """Make a private authority, once, and a certificate for the host names in GRAPH_HOSTS.

    A certificate that is there is renewed in its last 30 days, or when GRAPH_HOSTS names other hosts. So that cron may
    run this every week; reload the TLS front after it. Without GRAPH_HOSTS it is for graph.facebook.com.
    """
    from app.services.graph_proxy import certificate as certificates

    folder = (folder or certificates.FOLDER).absolute()
    hosts = services().config.graph_hosts or (certificates.DEFAULT_HOST,)
    now, state = utc_now(), certificates.read_state(folder)
    if state is not None and set(state.hosts) == set(hosts) and now < state.renew_from and not renew:
        click.echo(f"The certificate in {folder} is good until {state.ends:%Y-%m-%d}; nothing was changed.")
        click.echo(f"It is to be renewed from {state.renew_from:%Y-%m-%d} on, or now with --renew.")
        return
    if state is not None:
        click.echo(f"The certificate that was there {'ended' if state.ends <= now else 'ends'} {state.ends:%Y-%m-%d}.")
    made = certificates.make_certificate(folder, hosts, now)
    _explain(folder, made, is_new=state is None)


_NEXT = """
Next:
1. Put GRAPH_HOSTS={hosts} and TRUSTED_PROXIES=1 into .env and restart the gateway.
2. Give {key} and {certificate} in {folder} to a TLS server in front of it; docs/graph.md has one for nginx and Caddy.
3. Direct the name to that server for the APPLICATION alone: `extra_hosts` in its compose service, or a line in
   /etc/hosts of its own machine or container. Never on the gateway's machine: its calls would come back to itself.
4. Let the application trust the authority:
   Node.js         NODE_EXTRA_CA_CERTS={folder}/{ca}
   Python, others  SSL_CERT_FILE={folder}/{bundle}
   Python requests REQUESTS_CA_BUNDLE={folder}/{bundle}
   (The last two replace the usual authorities, so {bundle} holds those, too.)
   Copy or mount that one file; {ca_key} and {key} stay here."""


def _explain(folder: Path, made: State, *, is_new: bool) -> None:
    from app.services.graph_proxy.certificate import BUNDLE, CA, CA_KEY, CERTIFICATE, KEY

    click.echo(f"Made a certificate for {', '.join(made.hosts)} in {folder}.")
    click.echo(
        f"It is good until {made.ends:%Y-%m-%d}. Run this again from {made.renew_from:%Y-%m-%d} on to renew it, and"
        f" reload the TLS front; the authority, which ends {made.ca_ends:%Y-%m-%d}, stays the same."
    )
    if is_new:
        names = {"key": KEY, "certificate": CERTIFICATE, "ca": CA, "ca_key": CA_KEY, "bundle": BUNDLE}
        click.echo(_NEXT.format(folder=folder, hosts=",".join(made.hosts), **names))
