"""`python -m app.cli`: what `./gateway` and `whatsapp-service` run."""

from app.cli.commands import commands

if __name__ == "__main__":
    commands(prog_name="whatsapp-service")
