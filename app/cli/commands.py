"""Which commands there are.

A command's module is imported when it is called, and imports services where it uses them: all of them together take
over a second, and neither help nor a mistyped name needs any.
"""

from __future__ import annotations

from importlib import import_module

import click

from app import __version__

TABLE = {
    "alerts": ("app.cli.alerts", "What is wrong, and what to do about it."),
    "audit": ("app.cli.audit", "Do the books balance, and who did what?"),
    "backup": ("app.cli.backup", "Write a copy of everything, made while the gateway works."),
    "batches": ("app.cli.batches", "Sends that were queued together."),
    "connect": ("app.cli.connect", "Connect a WhatsApp number to this gateway."),
    "contacts": ("app.cli.contacts", "People who write to your numbers."),
    "db": ("app.cli.db", "The database: copy it from SQLite to PostgreSQL."),
    "deliveries": ("app.cli.deliveries", "What your apps are still owed, and did not take."),
    "doctor": ("app.cli.doctor", "Examine this installation, and say what to do."),
    "endpoints": ("app.cli.endpoints", "Your apps: where events are posted."),
    "events": ("app.cli.events", "Everything that happened."),
    "graph": ("app.cli.graph", "For applications that have Meta's host name built in."),
    "handlers": ("app.cli.handlers", "Your Python handlers, in the module that HANDLERS names."),
    "health": ("app.cli.health", "Ask the web server of this machine whether it is ready."),
    "keys": ("app.cli.keys", "API keys."),
    "mcp": ("app.cli.mcp", "Let an assistant read and answer conversations."),
    "media": ("app.cli.media", "Files of messages."),
    "messages": ("app.cli.messages", "Messages, in and out, and what became of them."),
    "migrate": ("app.cli.migrate", "Bring the database up to date."),
    "notifications": ("app.cli.notifications", "Webhooks as they were kept."),
    "numbers": ("app.cli.numbers", "Business numbers beside the one in the settings."),
    "people": ("app.cli.people", "People who work in the inbox."),
    "restore": ("app.cli.restore", "Put a backup back in place of the database."),
    "secrets": ("app.cli.secrets", "Tokens and secrets that are stored encrypted."),
    "send": ("app.cli.send", "Send one message to one customer."),
    "sends": ("app.cli.sends", "Sends that are held, failed or wait: many at once."),
    "simulate": ("app.cli.simulate", "Try a deployment: bursts, batches, an outage, a conversation."),
    "simulator": ("app.cli.simulator", "Stand in for Meta."),
    "stats": ("app.cli.stats", "Rates, errors, durations and prices."),
    "tail": ("app.cli.tail", "Show what happens, as it happens."),
    "templates": ("app.cli.templates", "Templates of your account, as Meta has them."),
    "verify": ("app.cli.verify", "Check a captured request, of Standard Webhooks or of Meta."),
    "worker": ("app.cli.worker", "Process what the web server kept."),
}
"""Each command with the module that holds it under its own name, and what the list of commands says of it."""


class Commands(click.Group):
    """All commands, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(TABLE)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in TABLE:
            return None
        command: click.Command = getattr(import_module(TABLE[cmd_name][0]), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is called. Raises `NoSuchCommand`, which names the nearest ones."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(error.command_name, possibilities=TABLE, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in TABLE.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="whatsapp-service", message="%(prog)s %(version)s")
def commands() -> None:
    """Look after this gateway: its keys, numbers, apps, webhooks and books.

    Settings are read from the environment and from .env in the project's folder. `COMMAND --help` explains a command.
    With GATEWAY_URL and API_KEY in the environment, what reads and sends asks that gateway, from any machine.
    """
