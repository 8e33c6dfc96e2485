"""Passes the events of one process once to all views that the user asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codetracer.commands.function_names import close_names
from codetracer.commands.indexing import indexed
from codetracer.commands.show.call_tree import Folded, JsonTree, Tree
from codetracer.commands.show.exceptions import Raises
from codetracer.commands.show.function_calls import Functions
from codetracer.commands.show.occurrences import Finds
from codetracer.commands.show.output_lines import Output
from codetracer.commands.show.selection import Selection, call_at, no_step
from codetracer.commands.show.sparse import (
    show_calls,
    show_outputs,
    show_raises,
    show_values,
    whole_timeline,
)
from codetracer.commands.show.state_at_step import Moment
from codetracer.commands.show.variable_history import History
from codetracer.errors import TargetError
from codetracer.replay.details import lacking
from codetracer.replay.subjects import parse_subject

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from codetracer.commands.printer import Printer
    from codetracer.commands.show.selection import View
    from codetracer.replay import Process, Trace
    from codetracer.replay.details import Part
    from codetracer.replay.model import Frame
    from codetracer.replay.replay import Replay

__all__ = ["Views", "missing"]

ENDLESS: Final = 1 << 30
"""A depth that no call reaches."""


class Views:
    """The views of one process.

    Parameters:
        process: the process.
        printer: prints the lines of all views.
        options: the parsed options of ``codetracer show``.
        depth: the depth of the tree without ``--depth``.

    Attributes:
        process: the process.
        function, history, finds, moment: the views that search for something; None if the options
            do not select them.

    Raises:
        HostError: ERR_IO, the log cannot be read.
        TargetError: ERR_NOT_IN_TRACE, the step of ``--call`` does not exist; ERR_TRACE_DAMAGED, the
            log is damaged before it.
    """

    def __init__(
        self, process: Process, printer: Printer, options: argparse.Namespace, depth: int
    ) -> None:
        lines: bool = options.lines
        self._has_lines = lines
        others = (options.step, options.variable, options.find)
        has_function = options.function is not None
        others_asked = options.raises or options.output or any(o is not None for o in others)
        has_tree = lines or not (others_asked or has_function)
        by_step = lines or others_asked
        note = lines or options.variable is not None or options.find is not None
        step: int | None = None if options.step is None else options.step.step
        others_too = has_function or note or options.raises or options.output
        self._only_moment = step is not None and not others_too
        # Which threads there are is known at the end of the log only.
        if step is not None and self._only_moment and options.thread is None:
            self._replay = _replay_near(process, step)
        else:
            self._replay = process.replay(tell_steps=by_step, note_changes=note)
        self.process = process
        self._selection = _selection(process, options)
        self.function: Functions | None = None
        self.history: History | None = None
        self.finds: Finds | None = None
        self.moment: Moment | None = None
        self._raises: Raises | None = None
        self._folds = Folded()
        self._views: list[View] = []
        replay, chosen = self._replay, self._selection
        folds = not options.all and not printer.as_json
        if step is not None:
            self.moment = Moment(replay, printer, step)
            self._views.append(self.moment)
        if has_tree:
            self._views.append(_tree(self._folds, replay, printer, chosen, options, depth))
        if has_function:
            # With --lines the tree shows the calls.
            self.function = Functions(replay, printer, chosen, options.function, prints=not lines)
            self._views.append(self.function)
        if options.variable is not None:
            subject = parse_subject(options.variable)
            self.history = History(replay, printer, chosen, subject)
            self._views.append(self.history)
        if options.find is not None:
            self.finds = Finds(replay, printer, chosen, options.find, folded=folds)
            self._views.append(self.finds)
        if options.raises:
            self._raises = Raises(replay, printer, chosen, folded=folds)
            self._views.append(self._raises)
        if options.output:
            self._views.append(Output(printer, chosen))
        # The index says nothing about parts of a recording, and one view alone can be skipped to.
        whole = (options.thread, options.call, options.depth) == (None, None, None)
        self._by_index = whole and len(self._views) == 1

    @property
    def threads(self) -> list[str]:
        """The threads of the process; empty if the selected thread is among them."""
        return [] if self._selection.found else [*self._selection.threads]

    @property
    def steps(self) -> int:
        """The number of steps that were read."""
        return self._replay.steps

    @property
    def notes(self) -> list[str]:
        """Lines that report how much was not shown."""
        parts = [str(self._folds), self._missing()]
        if self._raises is not None and self._raises.foreign:
            parts.append(
                f"… exceptions not shown: {self._raises.foreign:,} that stayed in code that is not"
                " yours; --all shows them"
            )
        if self._raises is not None and self._raises.loops:
            loops = f"{self._raises.loops:,} that only ended a loop"
            parts.append(f"… exceptions not shown: {loops}; --all shows them")
        if self.finds is not None and self.finds.more:
            parts.append(f"… {self.finds.more:,} more at the lines above; --all shows them")
        return [part for part in parts if part]

    def _missing(self) -> str:
        """Return why the views may lack lines or values; empty if they lack none."""
        part: Part
        if self._has_lines:
            part = "lines"
        elif self.history is not None or self.finds is not None:
            part = "values"
        else:
            return ""
        why = lacking(indexed(self.process).source.codes, part)
        return f"… {why}" if why else ""

    def show(self) -> None:
        """Read the events, and print all views.

        Raises:
            FullError: the largest allowed number of lines was printed.
            HostError: ERR_IO, the log cannot be read.
            TargetError: ERR_TRACE_DAMAGED, the log is damaged; the part before was printed.
        """
        if self._by_index and self._show_by_index():
            return
        views, select, changes = self._views, self._selection.see, self._replay.changes
        for event in self._replay:
            select(event)
            for view in views:
                view.see(event)
            if changes is not None and event.frame is not None:
                changes.clear()
            if self._only_moment and self.moment is not None and self.moment.found:
                break
        for view in views:
            view.finish()

    def _show_by_index(self) -> bool:
        """Read only what the view needs; return False if the view or the log needs it all."""
        (view,) = self._views
        if not isinstance(view, Functions | Raises | Output | History):
            return False
        if isinstance(view, History) and not view.is_of_variable:
            return False
        timeline = whole_timeline(self.process)
        if timeline is None:
            return False
        if isinstance(view, Functions):
            show_calls(timeline, view, self._selection)
        elif isinstance(view, Raises):
            if not show_raises(timeline, view, self._selection):
                return False
        elif isinstance(view, History):
            if not show_values(timeline, view, self._selection):
                return False
        else:
            show_outputs(timeline, view, self._selection)
        view.finish()
        return True


def _replay_near(process: Process, step: int) -> Replay:
    """Return a replay that begins little before a step; from the beginning if there is none."""
    timeline = indexed(process)
    return timeline.replay(step) if step < timeline.steps else process.replay()


def _tree(
    folds: Folded,
    replay: Replay,
    printer: Printer,
    chosen: Selection,
    options: argparse.Namespace,
    depth: int,
) -> View:
    unlimited = options.all or printer.as_json
    lines: int = 0
    if options.lines:
        lines = 1 if options.depth is None else options.depth or ENDLESS
        depth = lines + 1
    elif options.depth is not None:
        depth = options.depth
    elif unlimited:
        depth = 0
    if printer.as_json:
        return JsonTree(replay, printer, chosen, lines)
    return Tree(replay, printer, chosen, depth, lines, None if options.all else folds)


def _selection(process: Process, options: argparse.Namespace) -> Selection:
    is_root: Callable[[Frame], bool] | None = None
    if options.call is not None:
        number = call_at(process, options.call.step)

        def is_the_call(frame: Frame) -> bool:
            return frame.number == number

        is_root = is_the_call
    elif options.lines and options.function is not None:
        name: str = options.function

        def is_a_call(frame: Frame) -> bool:
            return frame.code.is_named(name)

        is_root = is_a_call
    return Selection(options.thread, is_root, options.depth or 0)


def missing(trace: Trace, shown: list[Views], options: argparse.Namespace) -> TargetError | None:
    """Return the error for the first option whose target is in no process; None if all were found.

    Parameters:
        trace: the recording.
        shown: the views of each process, after `Views.show`.
        options: the parsed options of ``codetracer show``.
    """
    if options.thread is not None and shown and all(views.threads for views in shown):
        there = ", ".join(name for views in shown for name in views.threads)
        return _lacks(trace, "thread", options.thread, f"; there is {there}")
    moments = [views for views in shown if views.moment is not None]
    if moments and not any(views.moment and views.moment.found for views in moments):
        return no_step(moments[0].process, options.step.step, moments[0].steps)
    functions = [views.function for views in shown if views.function is not None]
    if functions and not any(each.found for each in functions):
        known = {name for each in functions for name in each.known}
        return _lacks(trace, "function", options.function, close_names(options.function, known))
    histories = [views.history for views in shown if views.history is not None]
    if histories and not any(each.found for each in histories):
        known = {name for each in histories for name in each.known}
        hint = close_names(options.variable, known) + _because(shown)
        return _lacks(trace, "variable", options.variable, hint)
    finds = [views.finds for views in shown if views.finds is not None]
    if finds and not any(each.found for each in finds):
        return _lacks(trace, "value, name or output with", options.find, _because(shown))
    return None


def _because(shown: list[Views]) -> str:
    """Return why values are missing; empty if none are."""
    return next((why for views in shown if (why := indexed(views.process).because("values"))), "")


def _lacks(trace: Trace, what: str, name: str, hint: str) -> TargetError:
    message = f"{trace.path} has no {what} {name}{hint}"
    return TargetError("ERR_NOT_IN_TRACE", message, {"path": trace.path, "name": name})
