"""The actions of filters on values, decided once for each name."""

from __future__ import annotations

from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from codetracer.filters.chain import Scope
    from codetracer.filters.model import Action
    from codetracer.filters.selectors import ValueKind
    from codetracer.runtime.filtering import Gate

__all__ = ["ALLOW", "DROP", "REDACT", "SECRET", "NameActions", "ScopeActions"]

seal(globals())

ALLOW: Final = 0
REDACT: Final = 1
DROP: Final = 2
SECRET: Final = 3
"""As REDACT, and the text of the value is also hidden wherever it appears."""

MAX_NAMES: Final = 10_000
"""The largest number of names whose actions are remembered."""

MAX_CHARACTERS: Final = 100 * MAX_NAMES
"""The total length of the remembered names, in characters; they are kept alive."""

_ACTIONS: Final = {"allow": ALLOW, "redact": REDACT, "drop": DROP}

_COUNTED_AS: Final[dict[int, Action]] = {REDACT: "redact", SECRET: "redact", DROP: "drop"}
"""The actions that are counted, under the names that filters have for them."""


class NameActions(dict[str, int]):
    """A cache of filters' actions, by names.

    Keys of dicts are names, too, so a name may have any length, and the total length is limited.

    Parameters:
        action: returns the action for a name.
    """

    def __init__(self, action: Callable[[str], int]) -> None:
        super().__init__()
        self._action = action
        self._room = MAX_CHARACTERS

    def __missing__(self, name: str) -> int:
        action, size = self._action(name), len(name)
        if size > MAX_CHARACTERS:
            return action
        if len(self) >= MAX_NAMES or size > self._room:
            self.clear()
            self._room = MAX_CHARACTERS
        self[name] = action
        self._room -= size
        return action


class ScopeActions:
    """The actions for all names in code to which the same rules apply.

    Without patterns the action depends on the name alone, and all kinds of variables have one
    cache.

    Parameters:
        gate: counts what is hidden.
        scope: the decision about one such code object.

    Attributes:
        attributes: the actions for attributes. Each that hides something is counted once.
    """

    __slots__ = ("_by_name", "_gate", "_kinds", "_result", "attributes")

    def __init__(self, gate: Gate, scope: Scope) -> None:
        def counted(name: str) -> int:
            action = _action(scope, "attr", name)
            if action != ALLOW:
                gate.count_value(_COUNTED_AS[action], "attr")
            return action

        self._gate = gate
        self._by_name = scope.goes_by_name
        self.attributes = NameActions(counted)
        result = NameActions(lambda name: _action(scope, "ret", name))
        self._result = result.__getitem__
        if self._by_name:
            self._kinds = (self._result, self._result, self._result)
            return
        arguments = NameActions(lambda name: _action(scope, "arg", name))
        others = NameActions(lambda name: _action(scope, "local", name))
        around = NameActions(lambda name: _action(scope, "global", name))
        self._kinds = (arguments.__getitem__, others.__getitem__, around.__getitem__)

    def variables(self, names: list[str], parameters: int, global_names: list[str]) -> bytes:
        """Return the action for each variable of a code object, and count those that are hidden.

        Parameters:
            names: the names of its local variables, parameters first.
            parameters: how many of them are parameters.
            global_names: the names of its global variables.

        Returns:
            A byte for each name, in the order of both lists.
        """
        argument, local, around = self._kinds
        actions = bytes(
            [
                *map(argument, names[:parameters]),
                *map(local, names[parameters:]),
                *map(around, global_names),
            ]
        )
        if actions.count(ALLOW) != len(actions):
            self._count("arg", actions[:parameters])
            self._count("local", actions[parameters : len(names)])
            self._count("global", actions[len(names) :])
        return actions

    def result(self, module: str, qualified: str) -> int:
        """Return the action for the results of a function, and count it if it hides them.

        Parameters:
            module: ``__name__`` of its globals, or "".
            qualified: its qualified name.
        """
        # The name of the module does not count: only patterns see it.
        name = qualified.rpartition(".")[2] if self._by_name else f"{module}.{qualified}"
        action = self._result(name)
        if action != ALLOW:
            self._gate.count_value(_COUNTED_AS[action], "ret")
        return action

    def _count(self, kind: ValueKind, actions: bytes) -> None:
        for action in actions:
            if action != ALLOW:
                self._gate.count_value(_COUNTED_AS[action], kind)


def _action(scope: Scope, kind: ValueKind, name: str) -> int:
    action = scope.action(kind, name)
    if action == "redact" and scope.names_secret(kind, name):
        return SECRET
    return _ACTIONS[action]
