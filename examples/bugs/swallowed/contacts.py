"""Imports contacts from a CSV file into an address book."""

import csv
import pathlib

import click


class Book:
    def __init__(self):
        self.entries = {}

    def add(self, name, email):
        user, domain = email.split("@")
        self.entries[name] = f"{user}@{domain.lower()}"


@click.group()
def cli():
    """Keep an address book."""


@cli.command("import")
@click.argument("path", type=click.Path(exists=True))
def import_(path):
    """Import contacts from PATH."""
    book = Book()
    skipped = 0
    text = pathlib.Path(path).read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        try:
            book.add(row["name"], row["email"])
        except Exception:
            skipped += 1
    click.echo(f"imported {len(book.entries)}, skipped {skipped}")


if __name__ == "__main__":
    cli()
