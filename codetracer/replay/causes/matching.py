"""Finds which call of a line is which recorded frame."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from codetracer.replay.causes.syntax import OPERATORS, calls, parameters
from codetracer.replay.subjects import UNBOUND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codetracer.replay.causes.facts import Run
    from codetracer.replay.causes.lines import Scope, Unit
    from codetracer.replay.causes.syntax import CallSite
    from codetracer.replay.causes.view import View

__all__ = ["Matched", "argument_of", "match"]

SURE, LIKELY, POSSIBLE = 4, 3, 1

RESUMING: Final = frozenset({"next", "anext", "send", "asend", "throw", "athrow"})
"""The functions that let a generator go on."""

REFLECTED: Final = frozenset(f"__r{word}__" for word in OPERATORS.values())
"""The methods of a right operand, which have the left one as their argument."""


class Matched(NamedTuple):
    """The frames of a unit, by the calls in it."""

    runs: dict[ast.AST, list[Run]]
    """Those that a call ran."""
    left: list[Run]
    """Those without a known call, such as callbacks of code that is not recorded."""

    def site(self, frame: int) -> ast.AST | None:
        """Return the call that ran a frame."""
        for node, runs in self.runs.items():
            if any(run.frame == frame for run in runs):
                return node
        return None


def match(unit: Unit, runs: Sequence[Run], view: View) -> Matched:
    """Match the frames that began while a unit ran with the calls in it, in order.

    The score of a pair is how well the frame's name fits what the expression calls; of all ways to
    pair them in order, the best one is taken.

    Parameters:
        unit: the unit.
        runs: the frames, in order.
        view: the variables right before.
    """
    # A generator goes on where it began.
    later: dict[int, list[Run]] = {}
    for run in runs:
        later.setdefault(run.frame, []).append(run)
    runs = [each[0] for each in later.values()]
    sites = calls(unit.node)
    scores = [[_score(site, run, view) for run in runs] for site in sites]
    # best[i][j]: the best score of the sites from i on with the runs from j on.
    best = [[0] * (len(runs) + 1) for _ in range(len(sites) + 1)]
    for i in range(len(sites) - 1, -1, -1):
        for j in range(len(runs) - 1, -1, -1):
            paired = scores[i][j] and scores[i][j] + best[i if sites[i].often else i + 1][j + 1]
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    found = Matched({}, [])
    i = j = 0
    while j < len(runs):
        if i == len(sites):
            for run in runs[j:]:
                found.left.extend(later[run.frame])
            break
        following = i if sites[i].often else i + 1
        if scores[i][j] and best[i][j] == scores[i][j] + best[following][j + 1]:
            found.runs.setdefault(sites[i].node, []).extend(later[runs[j].frame])
            i, j = following, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            found.left.extend(later[runs[j].frame])
            j += 1
    return found


def _score(site: CallSite, run: Run, view: View) -> int:
    name = run.code.short_name
    node = site.node
    if isinstance(node, ast.Call) and run.resumed and set(site.names) & RESUMING:
        return LIKELY
    if isinstance(node, ast.Call):
        value = view.peek(node.func)
        said = view.said_name(value)
        form = view.form(value)
        if said:
            last = said.rpartition(".")[2]
            if form == "class":
                if name in ("__init__", "__new__", "__post_init__", "__call__"):
                    qualified = run.code.name.rpartition(".")[0]
                    return SURE if qualified.rpartition(".")[2] == last else LIKELY - 1
                return 0
            if last == name:
                return SURE
            # A decorated function has the name of the one inside.
            return POSSIBLE if form == "function" and run.code.kind != "class" else 0
        if name in site.names:
            return LIKELY
        qualified = run.code.name.rpartition(".")[0]
        if name == "__init__" and qualified.rpartition(".")[2] in site.names:
            return LIKELY
        return POSSIBLE if _may_be(node.func, run, view) else 0
    return LIKELY if name in site.names else 0


def _may_be(function: ast.expr, run: Run, view: View) -> bool:
    """Return whether what a call of unknown code ran may be a frame of another name."""
    if isinstance(function, ast.Name) and view.name(function.id) == UNBOUND:
        # A builtin function runs none but what it is given.
        return False
    name = run.code.short_name
    if name.startswith("__") and name != "__call__":
        return False
    if run.code.suspends or "<" in run.code.short_name:
        return not isinstance(function, ast.Attribute)
    if isinstance(function, ast.Attribute) and view.form(view.peek(function.value)) == "module":
        # The function of a module has its own name, unless it is one inside of a decorator.
        return "<locals>" in run.code.name
    return True


def argument_of(
    site: ast.AST, run: Run, scope: Scope, name: str, view: View
) -> tuple[ast.expr | None, str]:
    """Return the expression that gave a parameter its value.

    Parameters:
        site: the call, in the caller.
        run: the frame that it ran.
        scope: the function of that frame.
        name: the parameter.
        view: the caller's variables.

    Returns:
        The expression, and how: ``argument``, ``default``, ``receiver`` or ``unknown``. None if no
        expression says it.
    """
    known = parameters(scope.node)
    wanted = next((each for each in known if each.name == name), None)
    if wanted is None:
        return None, "unknown"
    index = known.index(wanted)
    if not isinstance(site, ast.Call):
        operands = _operands(site)
        if run.code.short_name == "__contains__" or run.code.short_name in REFLECTED:
            operands.reverse()
        if index < len(operands):
            return operands[index], "argument"
        return wanted.default, "default" if wanted.default is not None else "unknown"
    bound = _bound(site, run, scope, view)
    if bound and index == 0 and wanted.kind in ("positional", "either"):
        receiver = site.func.value if isinstance(site.func, ast.Attribute) else None
        return receiver, "receiver"
    for keyword in site.keywords:
        if keyword.arg == name and wanted.kind != "positional":
            return keyword.value, "argument"
    place = index - bound
    starred = next(
        (number for number, each in enumerate(site.args) if isinstance(each, ast.Starred)), None
    )
    if wanted.kind == "*":
        return _star(site.args[place:]), "argument"
    if wanted.kind == "**":
        named = {each.name for each in known if each.kind in ("either", "keyword")}
        rest = [each.value for each in site.keywords if each.arg not in named]
        return _star(rest), "argument"
    if wanted.kind in ("positional", "either"):
        if starred is not None and place >= starred:
            star = site.args[starred]
            return (star.value if isinstance(star, ast.Starred) else star), "argument"
        if place < len(site.args):
            return site.args[place], "argument"
    doubled = next((each.value for each in site.keywords if each.arg is None), None)
    if doubled is not None:
        return doubled, "argument"
    return wanted.default, "default" if wanted.default is not None else "unknown"


def _star(values: Sequence[ast.expr]) -> ast.expr | None:
    return ast.Tuple([*values], ast.Load()) if values else None


def _operands(site: ast.AST) -> list[ast.expr]:
    match site:
        case ast.Attribute(value=value):
            return [value]
        case ast.Subscript(value=value, slice=index):
            return [value, index]
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case ast.UnaryOp(operand=operand):
            return [operand]
        case ast.Compare(left=left, comparators=others):
            return [left, *others]
        case ast.withitem(context_expr=value):
            return [value]
        case ast.For(iter=value) | ast.AsyncFor(iter=value):
            return [value]
    return []


def _bound(site: ast.Call, run: Run, scope: Scope, view: View) -> bool:
    """Return whether the first parameter is not among the arguments of the call."""
    if run.code.short_name in ("__init__", "__new__", "__call__"):
        return not (isinstance(site.func, ast.Attribute) and site.func.attr == run.code.short_name
                    and view.form(view.peek(site.func.value)) == "class")  # fmt: skip
    is_method = "." in run.code.name and not run.code.name.rpartition(".")[0].endswith("<locals>")
    if not is_method:
        return False
    decorators = [ast.unparse(each) for each in getattr(scope.node, "decorator_list", [])]
    if "staticmethod" in decorators:
        return False
    if "classmethod" in decorators:
        return True
    if isinstance(site.func, ast.Attribute):
        form = view.form(view.peek(site.func.value))
        return form not in ("class", "module")
    return view.form(view.peek(site.func)) != "function"
