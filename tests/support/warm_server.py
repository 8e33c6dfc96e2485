"""The process from which `tests.support.warm` forks: it has imported what the forked ones import.

python -c "from tests.support.warm_server import serve; serve(...)" REQUESTS ANSWERS
"""

import gc
import importlib
import os
import sys
from marshal import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from coverage import Coverage

_measuring: list["Coverage"] = []
"""Measures the coverage of the forked processes; empty if scripts/coverage.sh does not run."""


def serve(*modules: str) -> None:
    """Import modules, and run a program in a fork of this process for each request.

    This process has two arguments: the descriptors that requests are read from, and answers are
    written to.

    A request is the length of its data (4 bytes), and the marshalled arguments of `_become`. It is
    answered by an empty line when the process has opened its streams, and by a line with its exit
    status. In a forked process this function returns when the program has ended.
    """
    _measure(modules)
    for name in modules:
        importlib.import_module(name)
    _fill_caches()
    gc.collect()
    gc.freeze()
    requests, answers = map(int, sys.argv[1:])
    while length := os.read(requests, 4):
        left = int.from_bytes(length, "little")
        data = b""
        while len(data) < left:
            part = os.read(requests, left - len(data))
            if not part:
                # Whoever asks was killed.
                os._exit(0)
            data += part
        child = os.fork()
        if not child:
            os.close(requests)
            return _become(answers, *loads(data))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.write(answers, b"%d\n" % status)
    os._exit(0)


def _measure(modules: tuple[str, ...]) -> None:
    """Measure coverage, if scripts/coverage.sh wants it and no forked process runs a program."""
    if "COVERAGE_FILE" in os.environ and "runpy" not in modules:
        from coverage import Coverage

        _measuring.append(Coverage(data_suffix=True, branch=True, source=["codetracer", "codegen"]))
        _measuring[0].start()


def _fill_caches() -> None:
    """Do what every command does, and what is kept: compile regular expressions, load the spec."""
    parsers, loading = map(
        sys.modules.get, ("codetracer.commands.parsers", "codetracer.filters.loading")
    )
    if parsers and loading:
        vars(parsers)["all_parsers"]()
        vars(loading)["load_chain"](os.getcwd(), environ={})
    if generate := sys.modules.get("codegen.generate"):
        vars(generate)["load_specs"](vars(generate)["Path"].cwd())


def _become(
    answers: int,
    words: list[str],
    folder: str,
    environ: dict[str, str],
    streams: list[str],
    space: int,
    reads: bool,
) -> None:
    """Do what ``python WORD...`` does from its first instruction on.

    Parameters:
        answers: where an empty line goes.
        words: ``-m``, a module and its arguments, or a script and its arguments.
        folder: the working directory.
        environ: the environment.
        streams: the paths of the standard streams; the last two may be one file.
        space: the largest size of the address space in bytes; 0 for no limit.
        reads: whether it runs no program. Then nothing is to be seen of how the interpreter takes
            apart what it has, which takes longer than many a command.
    """
    import runpy

    for number, path in enumerate(streams):
        if number == 2 and path == streams[1]:
            os.dup2(1, 2)
            break
        opened = os.open(path, os.O_WRONLY if number else os.O_RDONLY)
        os.dup2(opened, number)
        os.close(opened)
    os.write(answers, b"\n")
    os.close(answers)
    if log := sys.modules.get("codetracer.log"):
        # It has kept which file descriptor 2 was at its import.
        vars(log)["_stderr"] = vars(log)["_identity"](2)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    if space:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (space, space))
    sys.orig_argv[1:] = words
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]
    space_of_main = vars(sys.modules["__main__"])
    del space_of_main["serve"]
    if words[0] == "-m":
        sys.argv[:] = ["-m", *words[2:]]
        sys.path[0] = folder
        # What it imports was imported by it.
        sys.modules.pop(f"{words[1]}.__main__", None)
        if reads:
            return _run_and_leave(words[1])
        runpy._run_module_as_main(words[1])  # type: ignore[attr-defined]
        return None
    sys.argv[:] = words
    sys.path[0] = os.path.dirname(os.path.abspath(words[0]))
    with open(words[0], "rb") as file:
        code = compile(file.read(), words[0], "exec", dont_inherit=True)
    space_of_main["__file__"] = os.path.abspath(words[0])
    exec(code, space_of_main)
    return None


def _run_and_leave(module: str) -> None:
    """Run a module; if it raises SystemExit with a number, end as the interpreter would."""
    import atexit
    import runpy
    import threading

    try:
        runpy._run_module_as_main(module)  # type: ignore[attr-defined]
    except SystemExit as error:
        if not isinstance(error.code, int | None):
            raise
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        for coverage in _measuring:
            coverage.stop()
            coverage.save()
        os._exit(error.code or 0)
