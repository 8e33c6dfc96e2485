"""Selects the part of a recording to export: some steps, the calls of one function, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.replay.doing import ENDING, OPENING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codetracer.replay.events import Event
    from codetracer.replay.model import Code, Frame
    from codetracer.replay.replay import Replay

__all__ = ["Cut"]


class Cut:
    """Selects events of a replay.

    Parameters:
        first: the number of the first step; everything before it is left out.
        last: the number of the last step; its effects are the last events. None for no limit.
        named: returns whether a code object is the wanted function. Its calls are selected, with
            everything they call. None selects every call.

    Attributes:
        known: for each code object of a call so far, whether it is that function.
    """

    def __init__(
        self,
        first: int = 0,
        last: int | None = None,
        named: Callable[[Code], bool] | None = None,
    ) -> None:
        self.known: dict[Code, bool] = {}
        self._first = first
        self._last = last
        self._named = named
        self._inside: set[Frame] = set()

    @property
    def ends_early(self) -> bool:
        """True if the last selected event may come before the program's last one."""
        return self._last is not None or self._named is not None

    def has(self, frame: Frame) -> bool:
        """Return whether a frame that has not ended is a selected call or inside one."""
        return self._named is None or frame in self._inside

    def events(self, replay: Replay, progress: Callable[[], None]) -> Iterator[Event]:
        """Yield the selected events of a replay.

        Parameters:
            replay: the events; they are consumed.
            progress: called at each event, selected or not.

        Raises:
            HostError, TargetError: the replay raises them.
        """
        first, last = self._first, self._last
        self._inside.clear()
        for event in replay:
            progress()
            if last is not None and replay.steps > last + 1:
                return
            if self._named is not None and not self._follow(event, self._named):
                continue
            if not first or replay.steps > first:
                yield event
            if self._named is not None and isinstance(event, ENDING):
                self._inside.discard(event.frame)

    def _follow(self, event: Event, named: Callable[[Code], bool]) -> bool:
        frame = event.frame
        if frame is None:
            return False
        if isinstance(event, OPENING):
            code = frame.code
            if code not in self.known:
                self.known[code] = named(code)
            if self.known[code] or frame.caller in self._inside:
                self._inside.add(frame)
        return frame in self._inside
