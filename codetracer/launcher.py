"""Runs a program as ``python`` would, in an interpreter that is already running.

`run` imitates pymain_run_python (Modules/main.c) and _PyRun_SimpleFile (Python/pythonrun.c) of
CPython. Three things differ, because they cannot be imitated in a running interpreter:

- The launcher's frames are below the program's first frame. Tracebacks do not show them, but
  `sys._getframe`, `traceback.print_stack` and the ``stacklevel`` of a warning count them.
- `sys.orig_argv` is the real command line of the interpreter.
- For a script whose bytes do not fit its encoding, the error's message is that of `compile`.
"""

from __future__ import annotations

import builtins
import os
import sys
from importlib._bootstrap_external import MAGIC_NUMBER
from importlib.machinery import (
    BuiltinImporter,
    PathFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)

from codetracer.inspect.source import check_characters
from codetracer.own import seal
from codetracer.standard_error import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, TracebackType
    from typing import Any, Final, Literal

    type Kind = Literal["script", "module", "command"]

__all__ = ["COMMAND_FILENAME", "Target", "run"]

_kept_alive: list[object] = []

COMMAND_FILENAME: Final = "<string>"
"""The file name of the code of ``-c``."""

STDIN_FILENAME: Final = "<stdin>"

PYC_HEADER: Final = 16
"""Bytes of a .pyc file before its code object (PEP 552)."""

seal(globals())


class Target:
    """A program to run, as the command line of ``python`` describes it.

    Attributes:
        kind: ``script`` (a source or .pyc file, a directory or zip file with a ``__main__.py``,
            ``-`` for standard input), ``module`` (``-m``) or ``command`` (``-c``).
        value: the path, the module's name, or the code.
        args: the arguments after it, for the program's ``sys.argv``.
    """

    __slots__ = ("args", "kind", "value")

    def __init__(self, kind: Kind, value: str, args: tuple[str, ...] = ()) -> None:
        self.kind = kind
        self.value = value
        self.args = args


def run(target: Target, start: Callable[[], None]) -> None:
    """Run a program in a fresh ``__main__``, as ``python`` would.

    `sys.argv`, ``sys.path[0]`` and ``sys.modules["__main__"]`` are set for the program and stay so.
    The function returns when the program's main code ends; as usual, the interpreter then waits for
    threads and runs atexit handlers. Call it once, in the main thread, with no ``except`` around it
    that ends an exception of the program.

    Parameters:
        target: the program.
        start: called right before the program's first instruction, or right before `runpy`
            searches for the program if that is a module, a directory or a zip file. It is not
            called if a script or a command cannot be read or compiled.

    Raises:
        SystemExit: the program exits, or it cannot be found; then ``python``'s message is on
            standard error and the code is ``python``'s.
        BaseException: the program raised it, or its code cannot be compiled. `sys.excepthook` is
            replaced by one that shows only the program's part of the traceback.
    """
    program = _Program()
    try:
        _PREPARE[target.kind](program, target)
    except Exception as error:
        # Usually a SyntaxError. No frame of the program is in its traceback.
        _Hook(error, None, program).install()
        raise
    start()
    try:
        program.execute(*program.arguments)
    except SystemExit:
        program.flush()
        raise
    except BaseException as error:
        program.flush()
        _Hook(error, _without_launcher(error.__traceback__), program).install()
        raise
    program.flush()
    program.forget_file()


class _Program:
    """A program that is ready to run.

    Attributes:
        namespace: the dict of its ``__main__`` module.
        execute: the built-in or frozen function that runs it.
        arguments: the arguments for `execute`.
        from_file: whether CPython would run it with _PyRun_SimpleFile, which flushes the streams
            and removes ``__file__`` at the end.
    """

    __slots__ = ("arguments", "execute", "from_file", "namespace")

    def __init__(self) -> None:
        main = type(sys)("__main__")
        namespace: dict[str, Any] = vars(main)
        # The entries, and their order, of add_main_module (Python/pylifecycle.c).
        namespace["__loader__"] = BuiltinImporter
        if sys.version_info < (3, 14):
            namespace["__annotations__"] = {}
        namespace["__builtins__"] = builtins
        # _PyRun_SimpleFile holds only a borrowed reference to the module __main__ that it runs.
        # 3.12 crashes if that module is deleted.
        _kept_alive.append(sys.modules["__main__"])
        sys.modules["__main__"] = main
        self.namespace = namespace
        self.execute: Callable[..., object] = exec
        self.arguments: tuple[object, ...] = ()
        self.from_file = False

    def flush(self) -> None:
        """Flush stderr and stdout if the program is a file, before its traceback is shown."""
        if self.from_file:
            for name in ("stderr", "stdout"):
                _try_flush(getattr(sys, name, None))

    def forget_file(self) -> None:
        """Delete ``__file__`` if the program is a file, before its atexit handlers run."""
        if self.from_file:
            self.namespace.pop("__file__", None)
            self.namespace.pop("__cached__", None)


def _prepare_script(program: _Program, target: Target) -> None:
    sys.argv = [target.value, *target.args]
    if target.value == "-":
        _name_file(program, STDIN_FILENAME, None)
        program.arguments = (_compile(sys.stdin.buffer.read(), STDIN_FILENAME), program.namespace)
        _set_first_path("")
        return
    filename = _absolute(target.value)
    if _is_importable(filename):
        # A directory or a zip file. CPython puts it first in sys.path even with safe_path.
        if sys.flags.safe_path:
            sys.path.insert(0, filename)
        else:
            _set_first_path(filename)
        _run_as_main(program, "__main__", alter_argv=False)
        return
    try:
        with open(filename, "rb") as file:
            content = file.read()
    except OSError as error:
        complain(
            f"{sys.executable}: can't open file {filename!r}:"
            f" [Errno {error.errno}] {error.strerror}"
        )
        sys.exit(2)
    if filename.endswith(".pyc") or content.startswith(MAGIC_NUMBER[:2]):
        _name_file(program, filename, SourcelessFileLoader)
        program.arguments = (_load(content), program.namespace)
    else:
        _name_file(program, filename, SourceFileLoader)
        program.arguments = (_compile(content, filename), program.namespace)
    _set_first_path(os.path.dirname(os.path.realpath(filename)))


def _prepare_module(program: _Program, target: Target) -> None:
    sys.argv = ["-m", *target.args]
    # If the working directory was deleted, CPython does not put it into sys.path either.
    # contextlib would be loaded into the program's process.
    try:  # noqa: SIM105
        _set_first_path(os.getcwd())
    except FileNotFoundError:
        pass
    _run_as_main(program, target.value, alter_argv=True)


def _prepare_command(program: _Program, target: Target) -> None:
    sys.argv = ["-c", *target.args]
    source = target.value + "\n"
    if sys.version_info >= (3, 14):
        from textwrap import dedent

        source = dedent(source)
    code = _compile(source, COMMAND_FILENAME)
    program.arguments = (code, program.namespace)
    _set_first_path("")
    if sys.version_info >= (3, 13):
        import linecache

        # run_mod (Python/pythonrun.c) does the same, so that tracebacks show the lines.
        key = code if hasattr(linecache, "_interactive_cache") else COMMAND_FILENAME
        linecache._register_code(key, source, COMMAND_FILENAME)  # type: ignore[attr-defined]


_PREPARE: Final = {
    "script": _prepare_script,
    "module": _prepare_module,
    "command": _prepare_command,
}


def _name_file(
    program: _Program,
    filename: str,
    loader: type[SourceFileLoader | SourcelessFileLoader] | None,
) -> None:
    program.from_file = True
    program.namespace["__file__"] = filename
    if sys.version_info < (3, 15):
        program.namespace["__cached__"] = None
    if loader is not None:
        program.namespace["__loader__"] = loader("__main__", filename)


def _run_as_main(program: _Program, name: str, *, alter_argv: bool) -> None:
    import runpy

    program.execute = runpy._run_module_as_main  # type: ignore[attr-defined]
    program.arguments = (name, alter_argv)


def _absolute(path: str) -> str:
    """Return the absolute form of `path` that CPython uses in ``__file__`` and in tracebacks.

    On POSIX CPython only puts the working directory in front (_Py_abspath, Python/fileutils.c).
    """
    if os.path.isabs(path):
        return path
    if os.name == "nt":
        return os.path.abspath(path)
    return os.getcwd() if path == "." else os.path.join(os.getcwd(), path)


def _is_importable(path: str) -> bool:
    """Return whether modules can be imported from `path`: a directory or a zip file."""
    if path not in sys.path_importer_cache:
        sys.path_importer_cache[path] = None
        for hook in sys.path_hooks:
            try:
                sys.path_importer_cache[path] = hook(path)
                break
            except ImportError:
                continue
    return sys.path_importer_cache[path] is not None


def _compile(source: str | bytes, filename: str) -> CodeType:
    if isinstance(source, bytes):
        check_characters(source, filename)
    if sys.version_info >= (3, 15):
        # The module's name is for filters of warnings.
        return compile(source, filename, "exec", dont_inherit=True, module="__main__")
    return compile(source, filename, "exec", dont_inherit=True)


def _load(content: bytes) -> CodeType:
    import marshal

    if not content.startswith(MAGIC_NUMBER):
        raise RuntimeError("Bad magic number in .pyc file")
    code = marshal.loads(content[PYC_HEADER:])
    if not isinstance(code, type(_load.__code__)):
        raise RuntimeError("Bad code object in .pyc file")
    return code


def _set_first_path(path: str) -> None:
    """Replace ``sys.path[0]``, which belongs to the command line, by the program's `path`."""
    if sys.flags.safe_path:
        return
    sys.path[:1] = [path]
    # The program must import its own modules, even if the command line, which `python` would not
    # have loaded, has imported modules with the same names.
    for name, module in list(sys.modules.items()):
        spec: Any = getattr(module, "__spec__", None)
        if not getattr(spec, "has_location", False) or "." in name or name == "encodings":
            continue
        own = PathFinder.find_spec(name, [path])
        if own is not None and own.loader is not None and own.origin != spec.origin:
            for loaded in [key for key in sys.modules if key == name or key.startswith(f"{name}.")]:
                del sys.modules[loaded]


def _try_flush(stream: Any) -> None:
    try:
        stream.flush()
    except BaseException:
        # CPython ignores these errors, too (flush_io in Python/pythonrun.c).
        return


class _Hook:
    """Replaces `sys.excepthook` until the program's exception reaches the interpreter.

    The traceback cannot be cut earlier, because each frame that the exception leaves adds an entry.
    When called, the hook restores the program's hook and releases the program's objects, which must
    be deleted when the interpreter ends.

    Parameters:
        error: the exception.
        shown: the program's part of its traceback.
        program: the program.
    """

    def __init__(
        self, error: BaseException, shown: TracebackType | None, program: _Program
    ) -> None:
        self._error: BaseException | None = error
        self._shown = shown
        self._program: _Program | None = program
        self._hooks = [sys.excepthook] if hasattr(sys, "excepthook") else []

    def __call__(
        self, kind: type[BaseException], value: BaseException, traceback: TracebackType | None, /
    ) -> None:
        program, hooks = self._program, self._hooks
        if value is self._error:
            # Since 3.13 the default hook uses __traceback__ and ignores its third argument.
            value.__traceback__ = sys.last_traceback = traceback = self._shown
        self._error = self._shown = self._program = None
        if hooks:
            sys.excepthook = hooks[0]
            _call_hook(hooks[0], kind, value, traceback)
        else:
            del sys.excepthook
            complain("sys.excepthook is missing")
            sys.__excepthook__(kind, value, traceback)
        if program is not None:
            program.forget_file()

    def install(self) -> None:
        """Become `sys.excepthook`."""
        # CPython holds no reference to the hook while it calls it.
        _kept_alive.append(self)
        sys.excepthook = self


def _call_hook(
    hook: Callable[..., object],
    kind: type[BaseException],
    value: BaseException,
    traceback: TracebackType | None,
) -> None:
    """Call the program's hook; if it fails, print what _PyErr_PrintEx (Python/pythonrun.c) does."""
    try:
        hook(kind, value, traceback)
        return
    except SystemExit:
        raise
    except BaseException as failure:
        failed = failure
    failed.__traceback__ = _without_launcher(failed.__traceback__)
    complain("Error in sys.excepthook:")
    sys.__excepthook__(type(failed), failed, failed.__traceback__)
    complain("\nOriginal exception was:")
    sys.__excepthook__(kind, value, traceback)


def _without_launcher(traceback: TracebackType | None) -> TracebackType | None:
    """Return the part of `traceback` after this module's frames."""
    while traceback is not None and traceback.tb_frame.f_globals is globals():
        traceback = traceback.tb_next
    return traceback
