"""Options that may be given only once."""

from __future__ import annotations

import argparse

__all__ = ["Once"]


class Once(argparse.Action):
    """An action of argparse that stores an option's value, and refuses a second one."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option: str | None = None,
    ) -> None:
        """Store the value; see argparse."""
        before = getattr(namespace, self.dest)
        if before is not None:
            raise argparse.ArgumentError(
                self, f"given twice, {before!r} and {values!r}; ask for one at a time"
            )
        setattr(namespace, self.dest, values)
