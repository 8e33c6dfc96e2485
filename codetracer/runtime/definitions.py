"""The numbers of types, attribute names and source files, each defined in the log at its first use.

A number is assigned and its definition appended without a call in between (see events.py).
"""

from __future__ import annotations

from codetracer.inspect.kinds import type_name
from codetracer.own import seal
from codetracer.runtime.formatting import Formatters
from codetracer.runtime.layouts import Layout, layout_of
from codetracer_bindings.trace_encoder import encode_attribute, encode_source, encode_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Final

__all__ = ["Definitions"]

seal(globals())

_SWEEP_AFTER: Final = 1000
"""After this many new types, in addition to those that are known, deleted types are forgotten."""


class Definitions:
    """Assigns the numbers, and writes the definitions.

    Parameters:
        keep_source: called with the name of each source file before its first use.
        formatters: the formatters of the program and of filters; None for none.

    Attributes:
        formatters: the parameter of that name.
        out: the current group of records. A definition is appended to it right before the record
            that uses its number.
    """

    def __init__(
        self,
        keep_source: Callable[[str], object] = lambda _: None,
        formatters: Formatters | None = None,
    ) -> None:
        self.out: list[bytes] = []
        self.formatters = formatters or Formatters()
        self._keep_source = keep_source
        self._layouts: dict[int, Layout] = {}
        self._types = 0
        self._sweep_at = 0
        self._attributes: dict[str, int] = {}
        self._sources: dict[str, int] = {}

    def layout(self, kind: type) -> Layout:
        """Return the layout of a type's instances, with the type's number."""
        layout = self._layouts.get(id(kind))
        if layout is None or not layout.is_of(kind):
            layout = layout_of(kind)
            name = type_name(kind)
            layout.formatter = self.formatters.name_of(name)
            record = encode_type(name)
            if self._types >= self._sweep_at:
                self._sweep()
            key = id(kind)
            layout.number = self._types
            self._types += 1
            self._layouts[key] = layout
            self.out.append(record)
        return layout

    def attribute(self, name: str) -> int:
        """Return the number of an attribute's name."""
        number = self._attributes.get(name)
        if number is None:
            record = encode_attribute(name)
            number = self._attributes[name] = len(self._attributes)
            self.out.append(record)
        return number

    def source(self, code: CodeType) -> int:
        """Return the number of a code's source file."""
        number = self._sources.get(code.co_filename)
        if number is None:
            self._keep_source(code.co_filename)
            record = encode_source(code.co_filename)
            number = self._sources[code.co_filename] = len(self._sources)
            self.out.append(record)
        return number

    @property
    def sources(self) -> list[str]:
        """The ``co_filename`` of each source file that has a number."""
        return list(self._sources)

    def forget(self) -> None:
        """Begin all numbers again at 0, for another log."""
        self.out.clear()
        self._layouts.clear()
        self._types = self._sweep_at = 0
        self._attributes.clear()
        self._sources.clear()

    def _sweep(self) -> None:
        """Forget the layouts of types that were deleted."""
        for key, layout in [*self._layouts.items()]:
            if layout.alive is not None and layout.alive() is None:
                del self._layouts[key]
        self._sweep_at = self._types + len(self._layouts) + _SWEEP_AFTER
