"""Ten real modules in use, whose lines and branches are measured."""

USES = {
    "argparse": """
parser = module.ArgumentParser("prog", description="does what it does", exit_on_error=False)
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
    except module.ArgumentError as error:
        str(error)
""",
    "asyncio.queues": """
import asyncio
async def main():
    queue = module.Queue(1)
    await queue.put(1)
    try:
        queue.put_nowait(2)
    except module.QueueFull:
        pass
    late = asyncio.create_task(queue.put(3))
    await asyncio.sleep(0)
    await queue.get()
    await late
    queue.get_nowait()
    queue.task_done()
    queue.task_done()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    await queue.join()
    ordered = module.PriorityQueue()
    ordered.put_nowait(2)
    ordered.put_nowait(1)
    ordered.get_nowait()
asyncio.run(main())
""",
    "configparser": """
config = module.ConfigParser()
config.read_string("[DEFAULT]\\nhome=/h\\n[a]\\nx = %(home)s/b\\n  more\\n# note\\n[b]\\ny: 3\\n")
config.get("a", "x")
config.getint("b", "y")
config.getint("b", "z", fallback=4)
config.has_option("b", "y")
config["a"]["x"]
config.remove_section("b")
for wrong in ("no section", "[a]\\nx\\n", "[a]\\nx=1\\nx=2\\n"):
    try:
        module.ConfigParser().read_string(wrong)
    except module.Error as error:
        str(error)
""",
    "contextlib": """
import asyncio
@module.contextmanager
def opened(fails):
    if fails:
        raise LookupError
    yield 1
@module.asynccontextmanager
async def held():
    yield 2
async def hold():
    async with held(), module.AsyncExitStack() as stack:
        await stack.enter_async_context(held())
with module.suppress(KeyError), module.ExitStack() as stack:
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
""",
    "difflib": """
one, two = "a b c d e f g".split(), "a x c d f g h".split()
list(module.unified_diff(one, two, "one", "two", lineterm=""))
list(module.ndiff(["same\\n", "private\\n"], ["same\\n", "privates\\n", "more\\n"]))
module.get_close_matches("appel", ["ape", "apple", "peach"])
module.SequenceMatcher(lambda each: each == " ", "private Thread", "private volatile").ratio()
""",
    "html.parser": """
class Mine(module.HTMLParser):
    def handle_starttag(self, tag, attrs):
        self.get_starttag_text()
mine = Mine()
mine.feed("<!doctype html><p class=a id='b'>x &amp; y &#65;<br/><!-- note --></p><scr")
mine.feed("ipt>if (a < b) {}</script><?pi?><a href")
mine.close()
Mine(convert_charrefs=False).feed("a &lt; b &#x41; & c")
""",
    "packaging.specifiers": """
wanted = module.SpecifierSet(">=1.2,!=1.5.*,<2")
[version in wanted for version in ("1.1", "1.3", "1.5.1", "2.0", "1.4.dev1")]
list(module.SpecifierSet("~=2.2").filter(["2.1", "2.3", "3.0a1"]))
str(wanted & module.SpecifierSet("==1.3"))
try:
    module.Specifier("nothing")
except module.InvalidSpecifier:
    pass
""",
    "shlex": """
module.split("a 'b c' \\"d e\\" f # no", comments=True)
module.join(["a b", "c"])
list(module.shlex("a && b || (c; d)", punctuation_chars=True))
try:
    module.split("'open")
except ValueError:
    pass
""",
    "statistics": """
data = [1, 2, 2, 3.5, 9]
module.mean(data), module.median(data), module.mode(data), module.stdev(data)
module.quantiles(data, n=4), module.fmean(data, [1, 1, 2, 1, 1])
module.correlation([1, 2, 3], [1, 2, 4]), module.linear_regression([1, 2], [3, 5])
module.NormalDist(1, 2).cdf(1.5), module.multimode("aabb")
try:
    module.mean([])
except module.StatisticsError:
    pass
""",
    "tomllib._parser": """
module.loads('a = 1\\nb.c = [1, 2.5, true]\\n[t]\\nd = {x = "y", z = 1}\\n[[l]]\\n[[l]]\\nn = 0x1F')
module.loads("m = '''\\nlong'''\\nwhen = 1979-05-27T07:32:00Z\\n")
for wrong in ("a = ", "a = 1\\na = 2", "[t", 'a = "q', "a = {x = 1", "\\x00"):
    try:
        module.loads(wrong)
    except module.TOMLDecodeError:
        pass
""",
}
"""Programs that use a part of each module, which has the name ``module`` there."""

DRIVER = """
import importlib, sys
from uses import USES
for name, use in USES.items():
    # The tool may have imported it before it began to measure.
    kept = sys.modules.pop(name, None)
    module = importlib.import_module(name)
    if kept is not None:
        sys.modules[name] = kept
    exec(use, {"module": module})
"""
