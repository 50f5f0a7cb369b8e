"""The command line."""

import click


@click.group()
def main() -> None:
    """One screen for the PostgreSQL behind your application."""
