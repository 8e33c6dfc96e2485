"""Ten modules, each used a little: what is missing in them is to be found by two tools alike."""

import asyncio
import importlib
import sys
from types import ModuleType
from typing import Any


def fresh(name: str) -> Any:
    """Return a module that is loaded now, though the tool may have loaded it before."""
    kept = sys.modules.pop(name, None)
    try:
        return importlib.import_module(name)
    finally:
        if kept is not None:
            sys.modules[name] = kept


def use_argparse() -> None:
    argparse = fresh("argparse")
    parser = argparse.ArgumentParser("prog", description="does what it does", exit_on_error=False)
    parser.add_argument("files", nargs="*", default=["a"])
    parser.add_argument("-v", "--verbose", action="count", default=0, help="more (%(default)s)")
    parser.add_argument("--size", type=int, choices=[1, 2, 3])
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--on", action="store_true")
    group.add_argument("--off", action="store_false")
    parser.parse_args(["-vv", "--size=2", "x", "y"])
    parser.parse_known_args(["--on", "--strange"])
    parser.format_help()
    for wrong in (["--size", "x"], ["--size", "9"], ["--on", "--off"]):
        try:
            parser.parse_args(wrong)
        except argparse.ArgumentError as error:
            str(error)


def use_configparser() -> None:
    configparser = fresh("configparser")
    config = configparser.ConfigParser()
    config.read_string("[DEFAULT]\nhome=/h\n[a]\nx = %(home)s/b\n  more\n# note\n[b]\ny: 3\n")
    config.get("a", "x"), config.getint("b", "y"), config.getint("b", "z", fallback=4)
    config.has_option("b", "y"), config.sections(), config["a"]["x"]
    config.remove_section("b")
    for wrong in ("no section", "[a]\nx\n", "[a]\nx=1\nx=2\n"):
        try:
            configparser.ConfigParser().read_string(wrong)
        except configparser.Error as error:
            str(error)


def use_contextlib() -> None:
    contextlib = fresh("contextlib")

    @contextlib.contextmanager
    def opened(fails: bool) -> Any:
        if fails:
            raise LookupError
        yield 1

    @contextlib.asynccontextmanager
    async def held() -> Any:
        yield 2

    async def hold() -> None:
        async with held(), contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(held())

    with contextlib.suppress(KeyError), contextlib.ExitStack() as stack:
        stack.enter_context(opened(False))
        stack.callback(print, end="")
        raise KeyError
    try:
        with opened(False):
            raise ValueError
    except ValueError:
        pass
    try:
        opened(True).__enter__()
    except LookupError:
        pass
    asyncio.run(hold())


def use_difflib() -> None:
    difflib = fresh("difflib")
    one, two = "a b c d e f g".split(), "a x c d f g h".split()
    list(difflib.unified_diff(one, two, "one", "two", lineterm=""))
    list(difflib.ndiff(["same\n", "private\n"], ["same\n", "privates\n", "more\n"]))
    difflib.get_close_matches("appel", ["ape", "apple", "peach"])
    difflib.SequenceMatcher(lambda each: each == " ", "private Thread", "private volatile").ratio()


def use_html_parser() -> None:
    parser = fresh("html.parser")

    class Mine(parser.HTMLParser):  # type: ignore[misc, name-defined]
        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.get_starttag_text()

    mine = Mine()
    mine.feed("<!doctype html><p class=a id='b'>x &amp; y &#65;<br/><!-- note --></p><scr")
    mine.feed("ipt>if (a < b) {}</script><?pi?><a href")
    mine.close()
    Mine(convert_charrefs=False).feed("a &lt; b &#x41; & c")


def use_queues() -> None:
    queues = fresh("asyncio.queues")

    async def main() -> None:
        queue = queues.Queue(1)
        await queue.put(1)
        try:
            queue.put_nowait(2)
        except queues.QueueFull:
            pass
        late = asyncio.create_task(queue.put(3))
        await asyncio.sleep(0)
        await queue.get()
        await late
        queue.get_nowait()
        queue.task_done(), queue.task_done()
        waiting = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        await queue.join()
        ordered = queues.PriorityQueue()
        ordered.put_nowait(2), ordered.put_nowait(1), ordered.get_nowait()

    asyncio.run(main())


def use_shlex() -> None:
    shlex = fresh("shlex")
    shlex.split("a 'b c' \"d\\\"e\" f\\ g # no", comments=True)
    shlex.join(["a b", "c"]), shlex.quote("")
    list(shlex.shlex("a && b || (c; d)", punctuation_chars=True))
    try:
        shlex.split("'open")
    except ValueError:
        pass


def use_specifiers() -> None:
    specifiers = fresh("packaging.specifiers")
    wanted = specifiers.SpecifierSet(">=1.2,!=1.5.*,<2")
    [version in wanted for version in ("1.1", "1.3", "1.5.1", "2.0", "1.4.dev1")]
    list(specifiers.SpecifierSet("~=2.2").filter(["2.1", "2.3", "3.0a1"]))
    str(wanted & specifiers.SpecifierSet("==1.3")), len(wanted)
    try:
        specifiers.Specifier("nothing")
    except specifiers.InvalidSpecifier:
        pass


def use_statistics() -> None:
    statistics = fresh("statistics")
    data = [1, 2, 2, 3.5, 9]
    statistics.mean(data), statistics.median(data), statistics.mode(data), statistics.stdev(data)
    statistics.quantiles(data, n=4), statistics.fmean(data, [1, 1, 2, 1, 1])
    statistics.correlation([1, 2, 3], [1, 2, 4]), statistics.linear_regression([1, 2], [3, 5])
    statistics.NormalDist(1, 2).cdf(1.5), statistics.multimode("aabb")
    try:
        statistics.mean([])
    except statistics.StatisticsError:
        pass


def use_tomllib() -> None:
    tomllib = fresh("tomllib._parser")
    tomllib.loads(
        'a = 1\nb.c = [1, 2.5, true]\n[t]\nd = {x = "y\\n", z = \'w\'}\nm = """\nlong\\\n  er"""\n'
        "when = 1979-05-27T07:32:00Z\n[[list]]\n[[list]]\nn = -0x1F\n".replace("-0x", "0x")
    )
    for wrong in ("a = ", "a = 1\na = 2", "[t", 'a = "\\q"', "a = {x = 1", "\x00"):
        try:
            tomllib.loads(wrong)
        except tomllib.TOMLDecodeError:
            pass


def main(module: ModuleType) -> None:
    for name, use in list(vars(module).items()):
        if name.startswith("use_"):
            use()


if __name__ == "__main__":
    main(sys.modules["__main__"])
