"""Turns values into records without running any of the program's code.

Types that have a formatter are an exception (formatting.py).

An atom is written in its place. A value that may change is an object with a number, and its content
is written if it differs from the content that was written last. So a change is visible through
every reference to the object.
"""

from __future__ import annotations

import types
from itertools import islice
from os import getpid as _getpid

from codetracer.inspect.kinds import class_name, has
from codetracer.inspect.lookups import find
from codetracer.own import seal
from codetracer.runtime.actions import ALLOW, DROP, SECRET, NameActions
from codetracer.runtime.contents import Contents
from codetracer.runtime.known import WAYS, known_attributes, known_items
from codetracer.runtime.secrets import LOOKED_AHEAD, Secrets
from codetracer.runtime.utf8 import text_of
from codetracer.whose import began_here
from codetracer_bindings.trace_encoder import (
    encode_object,
    encode_worded,
    value_big_integer,
    value_binary,
    value_complex,
    value_cut_binary,
    value_cut_integer,
    value_cut_text,
    value_cut_tuple,
    value_ellipsis,
    value_false,
    value_float,
    value_integer,
    value_none,
    value_not_implemented,
    value_range,
    value_redacted,
    value_reference,
    value_text,
    value_true,
    value_tuple,
)
from codetracer_bindings.trace_format import (
    FORM_CLASS,
    FORM_DICT,
    FORM_ENUM,
    FORM_EXCEPTION,
    FORM_FROZENSET,
    FORM_FUNCTION,
    FORM_LIST,
    FORM_METHOD,
    FORM_MODULE,
    FORM_NAMED_TUPLE,
    FORM_SET,
    FORM_TUPLE,
    FORM_UNSEEN,
    FORM_WRAPPED,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Final

    from codetracer.limits import Limits
    from codetracer.runtime.contents import Content
    from codetracer.runtime.definitions import Definitions
    from codetracer.runtime.layouts import Layout

    type ReadItems = Callable[..., tuple[int, list[bytes]]]

__all__ = [
    "MAX_NAME",
    "REDACTED",
    "LetGo",
    "Values",
    "not_new",
]

seal(globals())

REDACTED: Final = value_redacted()
"""The value that is written in place of one that a filter hides."""

MAX_KNOWN: Final = 100_000
"""The largest number of remembered objects; if there are more, all are forgotten."""

MAX_NAME: Final = 1_000
"""The longest name of a class, function or module that is written, in characters."""

NESTED: Final = 10
"""The nested tuples of a value may together have this many times the items of one container. A
tuple of a hundred tuples of a hundred items is small for the program, but not for the log."""

LONGEST_KEY: Final = 100
"""The longest key of a dict that counts as a name, in bytes."""

KEY_ITEMS: Final = 10
"""The number of items of a tuple that may be names, if the tuple is a key."""

SHALLOW: Final = 1
"""The bit of a remembered hash that differs if the objects in the content were not looked at."""

_INT64_MIN: Final = -(1 << 63)
_INT64_MAX: Final = (1 << 63) - 1

_mro_of: Final = type.__dict__["__mro__"].__get__
_real_of: Final = complex.__dict__["real"].__get__
_imag_of: Final = complex.__dict__["imag"].__get__
_args_of: Final = BaseException.__dict__["args"].__get__
_cause_of: Final = BaseException.__dict__["__cause__"].__get__
_NO_WAY: Final = WAYS["none"]
_NONE: Final = value_none()
_ELLIPSIS: Final = value_ellipsis()
_NOT_IMPLEMENTED: Final = value_not_implemented()
_TRUE: Final = value_true()
_FALSE: Final = value_false()


class LetGo(BaseException):
    """The current event must not be recorded: this process is a fork, made during the event."""


class _Known:
    """An object that has been written.

    Attributes:
        number: its number.
        kind: the id of its type.
        content: a hash of what was written; 0 if nothing was.
        event: the last event that looked at it.
        depth: how deep that event looked, or an earlier one that can still be trusted.
        levels: how many levels of objects that event took for new.
        items: of a list, the number of items that it had then.
        before: how many items of a list that event found that were there at an earlier one.
        grown: the event in which a list has only got more items at its end.
    """

    __slots__ = (
        "before",
        "content",
        "depth",
        "event",
        "grown",
        "items",
        "kind",
        "levels",
        "number",
    )

    def __init__(self, number: int, kind: int) -> None:
        self.number = number
        self.kind = kind
        self.content = 0
        self.event = -1
        self.depth = 0
        self.levels = 0
        self.items = self.before = 0
        self.grown = -1


class Values:
    """Encodes values, and writes the content of objects into the group of records.

    First call `encode` for each value of an event, and then `write_objects`. Objects with a shorter
    way from the encoded values come first, so a longer way to them does not cut them.

    The depth of a variable depends on how far its line can reach. If an object has changed, its
    content may be new, and is read as deeply as the limit allows.

    Attributes:
        passed: notes how many bytes of records were written.
        secrets: the texts to hide wherever they appear.
        queue: the objects that `encode` leaves for `write_objects`: an object, its entry in the
            table of known objects, the depth to look to, the depth that the limit allows, and how
            many levels of objects may be new.
        event: the number of the current event.
        checks_cut: whether all objects are in doubt after this event if a limit cuts what it looks
            at.
        levels: the number of levels of objects, in the values that are encoded next, that may be
            new; None to ask `judge`.
        judge: returns that number for an object.
    """

    def __init__(
        self, definitions: Definitions, limits: Limits, secrets: Secrets | None = None
    ) -> None:
        self.secrets = secrets or Secrets()
        self._definitions = definitions
        self._limits = limits
        self._known: dict[int, _Known] = {}
        self._contents = Contents()
        self._held_now: Content | None = None
        self.passed = self._contents.passed
        self._objects = 0
        self.queue: list[tuple[Any, _Known, int, int, int]] = []
        self.event = 1
        self.checks_cut = False
        self._was_cut = False
        self.levels: int | None = 0
        self.judge: Callable[[object], int] = not_new
        self._doubted = 0
        self._room = limits.depth
        self._is_shallow = False
        # How many of the first items of the list that is being encoded cannot be new.
        self._old = 0
        self._refers = False
        self._within = False
        self._spare = 0
        self._actions = NameActions(lambda _: ALLOW)

    def doubt(self) -> None:
        """From now on, trust no object that was looked at before this event."""
        self._doubted = self.event

    def in_doubt(self, event: int) -> bool:
        """Return whether any object may have changed since an event."""
        return event < self._doubted

    def look_to(self, depth: int) -> None:
        """In this event, look no deeper than this, also at objects that have changed."""
        self._room = depth
        self._is_shallow = depth < self._limits.depth

    def encode(self, value: Any, depth: int, nesting: int = 0) -> bytes:
        """Return a value as bytes, and leave the objects that it refers to for `write_objects`.

        The bytes do not depend on the depth, because an object's content must look the same at each
        depth. So tuples, which have no number, are cut by their own nesting.

        Parameters:
            depth: the depth to look to, in objects; at most the limit.
            nesting: the number of tuples around it.
        """
        kind = type(value)
        if kind is int or kind is str or kind is float or kind is bytes or kind is complex:
            return self._plain(value, kind)
        if kind is bool:
            return _TRUE if value else _FALSE
        if value is None:
            return _NONE
        if kind is tuple:
            return self._tuple(value, depth, nesting)
        if kind is range:
            return value_range(
                self.encode(value.start, 0), self.encode(value.stop, 0), self.encode(value.step, 0)
            )
        if value is Ellipsis or value is NotImplemented:
            return _ELLIPSIS if value is Ellipsis else _NOT_IMPLEMENTED
        return value_reference(self._reference(value, kind, depth, self._room - nesting))

    def write_objects(self, actions: NameActions) -> None:
        """Write the objects in the queue and the objects that they refer to, if they are new."""
        self._actions = actions
        is_done = False
        try:
            self._write_queue(self.queue, self._definitions.out)
            is_done = True
        finally:
            if not is_done:
                self._doubted = self.event + 1
            self._end_event()

    def _end_event(self) -> None:
        # The queue holds objects of the program.
        self.queue.clear()
        self.event += 1
        if self._was_cut and self.checks_cut:
            self._doubted = self.event
        self._was_cut = self.checks_cut = self._is_shallow = False
        self.levels = 0
        self._room = self._limits.depth

    def _write_queue(
        self, queue: list[tuple[Any, _Known, int, int, int]], out: list[bytes]
    ) -> None:
        position = 0
        while position < len(queue):
            value, known, depth, room, levels = queue[position]
            position += 1
            is_first = known.event != self.event
            if not is_first and known.depth >= depth and known.levels >= levels:
                continue
            if position > self._limits.objects:
                self._was_cut = True
                self._write_unseen(known, type(value))
                continue
            is_trusted = not self.in_doubt(known.event)
            if not is_trusted or known.depth < depth:
                known.depth = depth
            known.levels = levels if is_first else max(levels, known.levels)
            known.event = self.event
            queued = len(queue)
            if is_first:
                known.before = known.items if known.grown == self.event and is_trusted else 0
            self._old = known.before
            if type(value) is list:
                known.items = list.__len__(value)
            self._refers = False
            self._room = room - 1
            self.levels = max(levels - 1, 0)
            content = self._content(value, known, depth - 1)
            digest = hash(content)
            if digest == known.content:
                continue
            shallow = digest ^ SHALLOW
            # The next event that may look deeper has to, as if the content were new.
            now = shallow if self._is_shallow and self._refers else digest
            if known.content == shallow:
                known.content = now
            else:
                records = self._contents.changed(known.number, content, self._held_now)
                out.append(b"")
                # No call from here on, and only the first of these may fail: what is remembered is
                # what is written.
                self._contents.held[known.number] = self._held_now
                known.content = now
                out[-1] = records
            if self._refers and depth < room:
                # Its content may be new, even if an object with that number is known, because the
                # address may have belonged to another object.
                del queue[queued:]
                known.depth = room
                self._room = room - 1
                self._content(value, known, room - 1, again=True)

    def forget(self) -> None:
        """Begin all numbers again at 0, for another log."""
        self._known.clear()
        self._contents.forget()
        self._objects = 0
        self.queue.clear()

    def _tuple(self, value: tuple[object, ...], depth: int, nesting: int) -> bytes:
        limit = self._limits.items
        if not nesting and not self._within:
            self._spare = NESTED * limit
        first = value[:limit]
        if nesting and value:
            if nesting >= self._limits.depth or len(first) > self._spare:
                return value_cut_tuple(len(value), [])
            self._spare -= len(first)
        items = [self.encode(item, depth - 1, nesting + 1) for item in first]
        if len(items) == len(value):
            return value_tuple(items)
        return value_cut_tuple(len(value), items)

    def _plain(self, value: Any, base: Any) -> bytes:
        """Return an instance of one of `WRAPPED`, or of a subclass, as bytes."""
        limit = self._limits.text
        if base is int:
            return self._integer(value)
        if base is float:
            return value_float(float.__float__(value))
        if base is complex:
            return value_complex(_real_of(value), _imag_of(value))
        length = base.__len__(value)
        if base is not str:
            return self._binary(bytes(base.__getitem__(value, slice(limit + LOOKED_AHEAD))), length)
        hidden = self.secrets.hidden(value, base, limit, length)
        if hidden is not None:
            return _without_secrets(hidden, base, length, limit)
        first = base.__getitem__(value, slice(limit))
        return value_text(first) if length <= limit else value_cut_text(length, first)

    def _binary(self, head: bytes, length: int) -> bytes:
        """Return bytes as bytes of the log.

        Parameters:
            head: the first bytes, `LOOKED_AHEAD` more than the limit.
            length: the number of all bytes.
        """
        limit = self._limits.text
        hidden = self.secrets.hidden(head, bytes, limit, length)
        if hidden is not None:
            return _without_secrets(hidden, bytes, length, limit)
        first = head[:limit]
        return value_binary(first) if length <= limit else value_cut_binary(length, first)

    def _integer(self, value: int) -> bytes:
        if int.__le__(_INT64_MIN, value) and int.__le__(value, _INT64_MAX):
            return value_integer(int.__int__(value))
        size, limit = int.bit_length(value) // 8 + 1, self._limits.text
        if size <= limit:
            return value_big_integer(int.to_bytes(value, size, "little", signed=True))
        first = int.__rshift__(value, (size - limit) * 8)
        return value_cut_integer(size - limit, int.to_bytes(first, limit, "little", signed=True))

    def _reference(self, value: object, kind: type, depth: int, room: int) -> int:
        """Return an object's number, and leave it for `write_objects` if `depth` allows.

        Parameters:
            room: the depth that the limit allows.
        """
        self._refers = True
        known = self._known.get(id(value))
        if known is None or known.kind != id(kind):
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            known = _Known(self._objects, id(kind))
            self._objects += 1
            self._known[id(value)] = known
        if depth > 0:
            levels = self._levels_of(value, known, depth)
            if levels >= 0:
                self.queue.append((value, known, depth, room, levels))
        elif room <= 0:
            self._write_unseen(known, kind)
        # Otherwise the object is known, or the change of the object that contains it will show.
        return known.number

    def _levels_of(self, value: object, known: _Known, depth: int) -> int:
        """Return how many levels of objects, from this one on, may be new; -1 to leave it out."""
        levels = self.judge(value) if self.levels is None else self.levels
        if known.depth < depth or self.in_doubt(known.event):
            return levels
        return levels if levels > (known.levels if known.event == self.event else 0) else -1

    def note_growth(self, value: object) -> None:
        """Note that the list `value` has only got more items at its end in this event.

        It has kept those that it had before alive, so none of them is a new object.
        """
        known = self._known.get(id(value))
        if known is not None and known.kind == id(list):
            known.grown = self.event

    def _write_unseen(self, known: _Known, kind: type) -> None:
        if not known.content:
            number = self._definitions.layout(kind).number
            content = encode_object(
                number=known.number,
                form=FORM_UNSEEN,
                type_number=number,
                total=0,
                items=[],
                more=0,
                attributes=[],
            )
            digest = hash(content)
            known.content = digest
            self._definitions.out.append(content)

    def _content(self, value: Any, known: _Known, depth: int, *, again: bool = False) -> bytes:
        """Return the record of an object's content; the objects in it are looked at to `depth`.

        Parameters:
            again: whether it was just written, so that no formatter is called again.
        """
        layout = self._definitions.layout(type(value))
        words = None
        if layout.formatter is not None and not again:
            # The program's code runs here, before the object is read, because it may change it.
            words = self._words(value, layout.formatter)
        self._spare = NESTED * self._limits.items
        self._within = True
        try:
            return self._held(value, layout, known, depth, words)
        finally:
            self._within = False

    def _words(self, value: object, formatter: str) -> tuple[int, str | None] | None:
        """Return whether a formatter failed, and its words; None in place of the words if hidden.

        For filters, the words are an attribute without a name. If a filter hides it, the formatter
        is not called.

        Raises:
            LetGo: the formatter has forked.
        """
        action = self._actions[""]
        if action == ALLOW:
            process = _getpid()
            words = self._definitions.formatters.say(formatter, value)
            if _getpid() != process:
                raise LetGo
            return words
        return None if action == DROP else (0, None)

    def _held(
        self,
        value: Any,
        layout: Layout,
        known: _Known,
        depth: int,
        words: tuple[int, str | None] | None,
    ) -> bytes:
        read_items: ReadItems = _READ_ITEMS.get(layout.form, _no_items)
        if layout.reading is not None and layout.reading.way != _NO_WAY:
            read_items = known_items
        total, items = read_items(self, value, layout, depth)
        if total > len(items):
            self._was_cut = True
        encoded: list[tuple[int, bytes]] = []
        if layout.form == FORM_METHOD:
            cut = 0
            owner = value.__self__
            if owner is not None and type(owner) is not _MODULE:
                # The owner does not count as deeper than the method.
                self._room += 1
                cut = self._attribute("__self__", owner, depth + 1, encoded)
        else:
            cut = self._attributes(value, layout, depth, encoded)
        if cut:
            self._was_cut = True
        held: Content = {
            "form": layout.form,
            "type_number": layout.number,
            "total": total,
            "items": items,
            "more": cut,
            "attributes": encoded,
        }
        self._held_now = held if words is None else None
        if words is None:
            return encode_object(number=known.number, **held)
        failed, text = words
        # Last, because the words may contain a secret that was found in an attribute.
        said = REDACTED if text is None else self._plain(text, str)
        return encode_worded(number=known.number, **held, failed=failed, words=said)

    def _attributes(
        self, value: Any, layout: Layout, depth: int, encoded: list[tuple[int, bytes]]
    ) -> int:
        """Append as many attributes as the limit allows; return the number of the others."""
        cut = 0
        if layout.reading is not None:
            cut = known_attributes(self, value, layout.reading.attributes, depth, encoded)
        for name, read in layout.slots.items():
            try:
                held = read(value)
            except (AttributeError, IndexError) as error:
                if not began_here(error):
                    raise
                # A slot without a value.
                continue
            cut += self._attribute(name, held, depth, encoded)
        namespace = None
        if layout.dict_of is not None:
            try:
                namespace = layout.dict_of(value)
            except AttributeError as error:
                # The object's class has changed meanwhile.
                if not began_here(error):
                    raise
        if type(namespace) is not dict:
            namespace = {}
        if layout.form == FORM_ENUM:
            for name in ("name", "value"):
                held = find(namespace, f"_{name}_", None)
                cut += self._attribute(name, held, depth, encoded)
            return cut
        if namespace:
            cut += self._namespace(namespace, layout, depth, encoded)
        if layout.form == FORM_EXCEPTION and (cause := _cause_of(value)) is not None:
            cut += self._attribute("__cause__", cause, depth, encoded)
        return cut

    def _namespace(
        self,
        namespace: dict[object, object],
        layout: Layout,
        depth: int,
        encoded: list[tuple[int, bytes]],
    ) -> int:
        passed, limit = 0, self._limits.items
        read = layout.slots if layout.reading is None else layout.reading.hidden | {*layout.slots}
        # In portions, because the dict may be large and a filter may drop some entries.
        while entries := [*islice(namespace.items(), passed, passed + limit + 1)]:
            for name, held in entries:
                if len(encoded) >= limit:
                    # The rest is counted without being read.
                    return len(namespace) - passed
                passed += 1
                if type(name) is str and name not in read:
                    self._attribute(name, held, depth, encoded)
        return 0

    def _attribute(
        self, name: str, value: object, depth: int, encoded: list[tuple[int, bytes]]
    ) -> int:
        """Append an attribute if no filter drops it; return 1 if the limit cuts it, else 0."""
        action = self._actions[name]
        if action == DROP:
            return 0
        if len(encoded) >= self._limits.items:
            return 1
        if action == SECRET:
            self.secrets.learn(value)
        content = self.encode(value, depth) if action == ALLOW else REDACTED
        encoded.append((self._definitions.attribute(name), content))
        return 0

    def _encode_items(self, items: Sequence[Any], depth: int) -> list[bytes]:
        return [self.encode(item, depth) for item in items]


def not_new(value: object) -> int:
    """Return that no object in a value is new."""
    return 0


def _no_items(values: Values, value: Any, layout: Layout, depth: int) -> tuple[int, list[bytes]]:
    return 0, []


def _list_items(values: Values, value: Any, layout: Layout, depth: int) -> tuple[int, list[bytes]]:
    items = list.__getitem__(value, slice(values._limits.items))
    levels, values.levels = values.levels, 0
    encoded = values._encode_items(items[: values._old], depth)
    values.levels = levels
    encoded += values._encode_items(items[values._old :], depth)
    return list.__len__(value), encoded


def _tuple_items(values: Values, value: Any, layout: Layout, depth: int) -> tuple[int, list[bytes]]:
    items = tuple.__getitem__(value, slice(values._limits.items))
    return tuple.__len__(value), values._encode_items(list(items), depth)


def _dict_items(values: Values, value: Any, layout: Layout, depth: int) -> tuple[int, list[bytes]]:
    total = dict.__len__(value)
    if total > values._limits.items:
        values._was_cut = True
    encoded = []
    for key, item in list(islice(dict.items(value), values._limits.items)):
        encoded.append(values.encode(key, depth))
        # A key is a name, too, because keyword arguments and settings are in dicts.
        action = _key_action(values._actions, key)
        if action == SECRET:
            values.secrets.learn(item)
        encoded.append(values.encode(item, depth) if action == ALLOW else REDACTED)
    return total, encoded


def _key_action(actions: NameActions, key: Any) -> int:
    """Return a filter's action for the value of a dict's key.

    The key is a name if it is a text or bytes, or a tuple that contains one.
    """
    kind = type(key)
    if kind is str:
        return actions[key]
    kinds = _mro_of(kind)
    if has(kinds, str):
        return actions[str.__str__(key)]
    if has(kinds, bytes):
        size = bytes.__len__(key)
        return ALLOW if size > LONGEST_KEY else actions[bytes.decode(key, "latin-1")]
    if has(kinds, tuple):
        for item in tuple.__getitem__(key, slice(KEY_ITEMS)):
            is_nested = has(_mro_of(type(item)), tuple)
            if not is_nested and (action := _key_action(actions, item)) != ALLOW:
                return action
    return ALLOW


def _set_items(values: Values, value: Any, layout: Layout, depth: int) -> tuple[int, list[bytes]]:
    base = set if layout.form == FORM_SET else frozenset
    items = list(islice(base.__iter__(value), values._limits.items))
    return base.__len__(value), values._encode_items(items, depth)


def _exception_items(
    values: Values, value: Any, layout: Layout, depth: int
) -> tuple[int, list[bytes]]:
    args = _args_of(value)
    return len(args), values._encode_items(list(args[: values._limits.items]), depth)


def _class_items(values: Values, value: Any, layout: Layout, depth: int) -> tuple[int, list[bytes]]:
    return 1, [_name(class_name(value))]


def _function_items(
    values: Values, value: Any, layout: Layout, depth: int
) -> tuple[int, list[bytes]]:
    return 1, [_name(value.__qualname__)]


def _method_items(
    values: Values, value: Any, layout: Layout, depth: int
) -> tuple[int, list[bytes]]:
    function = value.__func__ if type(value) is _METHOD else value
    if type(function) is _FUNCTION or type(function) is _BUILTIN:
        return _function_items(values, function, layout, depth)
    return 1, [value_text("")]


def _module_items(
    values: Values, value: Any, layout: Layout, depth: int
) -> tuple[int, list[bytes]]:
    return 1, [_name(find(_module_dict_of(value), "__name__", None))]


def _wrapped_items(
    values: Values, value: Any, layout: Layout, depth: int
) -> tuple[int, list[bytes]]:
    return 1, [values._plain(value, layout.base)]


def _without_secrets(hidden: bytes, base: type, length: int, limit: int) -> bytes:
    """Return the encoded value of a text without its secrets.

    Parameters:
        hidden: the text without secrets.
        base: `str`, or a type of bytes.
        length: the number of characters or bytes of the original text.
        limit: the largest number of them that is recorded.
    """
    if not hidden:
        return REDACTED
    if base is str:
        text = text_of(hidden) or ""
        return value_text(text) if length <= limit else value_cut_text(length, text)
    return value_binary(hidden) if length <= limit else value_cut_binary(length, hidden)


def _name(name: Any) -> bytes:
    """Return the encoded name of a function or class; it may be of a subclass of str."""
    is_text = has(_mro_of(type(name)), str)
    return value_text(str.__getitem__(name, slice(MAX_NAME)) if is_text else "")


_MODULE: Final = types.ModuleType
_METHOD: Final = types.MethodType
_FUNCTION: Final = types.FunctionType
_BUILTIN: Final = types.BuiltinFunctionType
_module_dict_of: Final[Any] = vars(_MODULE)["__dict__"].__get__
_READ_ITEMS: Final[dict[int, ReadItems]] = {
    FORM_LIST: _list_items,
    FORM_TUPLE: _tuple_items,
    FORM_DICT: _dict_items,
    FORM_SET: _set_items,
    FORM_FROZENSET: _set_items,
    FORM_EXCEPTION: _exception_items,
    FORM_CLASS: _class_items,
    FORM_FUNCTION: _function_items,
    FORM_METHOD: _method_items,
    FORM_MODULE: _module_items,
    FORM_WRAPPED: _wrapped_items,
    FORM_NAMED_TUPLE: _no_items,
}
