"""`python -m app.cli`: what `./gateway` and `whatsapp-service` run."""

import gc

if __name__ == "__main__":
    # Before the imports, a tenth of whose time the collector takes to find nothing.
    gc.set_threshold(20_000, 20, 20)
    from app.cli.commands import commands

    commands(prog_name="whatsapp-service")
