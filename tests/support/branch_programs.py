"""Programs whose lines and branches are measured: ten real modules in use, and awkward code."""

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
"""What uses a part of each module, which it finds under the name ``module``."""

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

AWKWARD = '''
import asyncio, contextlib

class Empty: pass
class Doc:
    """x"""
def one(): return 1
def two(): return 2
lam = lambda: 3
class OneBody: x = 1
def raises(): raise ValueError
@contextlib.contextmanager
def cm():
    yield

def if_last(x):
    if x.foo:
        return 1

def with_last(x):
    with cm():
        if x():
            return 1

def with_if(x):
    with cm():
        if x:
            y = 1
    return 2

def nested_with(x):
    with cm():
        with cm():
            if x:
                return 1
            for i in x or []:
                pass

def with_loop(xs):
    for x in xs:
        with cm():
            if x == 1:
                continue
            if x == 2:
                break
            z = 1
    else:
        return 1
    return 2

def fin(x):
    try:
        if x == 1:
            return 1
        elif x == 2:
            raise ValueError
        elif x == 3:
            raises()
    except ValueError:
        a = 1
    else:
        a = 2
    finally:
        b = 3
        if x == 4:
            b = 4
    return b

def fin_loop(xs):
    for x in xs:
        try:
            if x == 1:
                continue
            if x == 2:
                break
            if x == 3:
                return 1
        finally:
            y = 1
    return y

def oneline(x, seq):
    if x: return 1
    if not x: y = 1
    for s in seq: y = s
    while seq: seq.pop()
    if seq: raise ValueError
    try: y = 1
    finally: z = 1

def oneline_case(x):
    match x:
        case 1: return 1
        case 2: y = 2
        case [a, b]: y = 3
        case {"k": v} if v: y = 4
        case _: y = 5
    return y

def cases(x):
    match x:
        case 1 | 2:
            y = 1
        case str():
            y = 2
        case (3,
              4):
            y = 3
        case _ if x > 10:
            y = 6
    return 1

def multi(a, b, c):
    if (a and
        b or
        c):
        y = 1
    elif (not a
          and b):
        y = 2
    z = [q
         for q in (a, b, c)
         if q
         if q > 1]
    w = {
        q:
            r
        for q in (a,)
        for r in (b,
                  c)}
    for (x,
         y) in zip(
             [1],
             [2]):
        pass
    while (a
           and b):
        a = 0
        break
    else:
        z = 1
    return (a if b
            else c)

def chain(x):
    if 0 < x < 5 < 10:
        return 1
    assert x
    assert x in (3,
       7), "no"
    return x if x else 2

def consts(x):
    while True:
        if x:
            break
        x = 1
    if __debug__:
        y = 1
    if 0:
        y = 2
    while 1:
        break
    if not True:
        y = 3
    else:
        y = 4
    return y

def gen(xs):
    for x in xs:
        if x:
            yield x
        y = yield
    yield from xs
    return

def deep(n):
    if n:
        deep(n - 1)
    else:
        return 1

def exc(x):
    try:
        x.foo
    except (ValueError,
            TypeError) as e:
        y = 1
    except AttributeError as e:
        if x:
            y = 2
    try:
        raise KeyError
    except* KeyError as e:
        y = 3
    except* ValueError:
        y = 4

def reraise(x):
    try:
        x()
    except ValueError:
        if x:
            raise
    except Exception as e:
        if not x:
            raise TypeError from e
        return 2

def loop_raise(xs):
    for x in xs:
        x()

def while_raise(x):
    while x():
        pass

def iter_raise():
    def g():
        yield 1
        raise ValueError
    for x in g():
        pass

@contextlib.contextmanager
def deco(
    a=1,
    b=2,
):
    yield

@(lambda f: f)
@(lambda f:
   f)
def decorated(x):
    "doc"
    if x:
        class Inner:
            if x == 2:
                z = 1
            def m(self): pass

class Acm:
    async def __aenter__(self): return self
    async def __aexit__(self, *a): return True

async def agen(n):
    for i in range(n):
        yield i

async def use(n):
    async for x in agen(n):
        if x:
            y = 1
    async for x in agen(n):
        y = 1
    else:
        y = 2
    async with Acm() as a:
        if n == 1:
            raise ValueError
        await asyncio.sleep(0)
    if await asyncio.sleep(0, n): return 1
    z = [q async for q in agen(n)]
    if n: await asyncio.sleep(0)
    return 2

async def use2(n):
    async for x in agen(n):
        return 1

async def use3(n):
    async for x in agen(n):
        pass

async def use4(n):
    async for x in agen(n):
        pass

async def awith(n):
    async with Acm():
        if n:
            return 1
    async with Acm() as a, \
         Acm() as b:
        if not n: n = 1

def ann(x: int = 1) -> "str":
    y: int
    z: int = 2
    global G
    G = 1
    del G
    import os, sys
    pass

def one_if_else(x):
    if x: y = 1
    else: y = 2
    return y
def tern(x): return 1 if x else 2
def wal(xs):
    while (x := xs.pop() if xs else None):
        if x == 3: continue
        if x == 4: break
def nested_try(x):
    try:
        try:
            if x: raise KeyError
        except ValueError: y = 1
        finally:
            if x:
                z = 1
    except KeyError:
        pass
def try_ret(x):
    for i in range(3):
        try:
            return x[i]
        except IndexError:
            continue
        except KeyError:
            break
    else:
        return 3
def boolret(a, b):
    if not (a or b): return a and b
    return (a and
            b)

def main():
    def tr(f, *a):
        try:
            r = f(*a)
            if hasattr(r, "send"): asyncio.run(r) if hasattr(r, "cr_frame") else list(r)
        except BaseException as e:
            pass
    one(); tr(raises); OneBody
    tr(if_last, 3); tr(with_last, raises); tr(with_if, 1)
    tr(nested_with, 0); tr(with_loop, [1, 3]); tr(with_loop, [2])
    for x in (1, 2, 3): tr(fin, x)
    for xs in ([1], [2], [0]): tr(fin_loop, xs)
    tr(oneline, 0, [1]); tr(oneline, 1, [])
    for x in (1, [1, 2], 5): tr(oneline_case, x)
    for x in (2, (3, 4), 5): tr(cases, x)
    tr(multi, 1, 0, 0); tr(multi, 0, 0, 2)
    tr(chain, 3); tr(chain, 7); tr(consts, 0)
    tr(gen, [1]); deep(2)
    tr(exc, 0); tr(reraise, raises); tr(reraise, 3)
    tr(loop_raise, [raises]); tr(while_raise, raises); tr(iter_raise)
    tr(decorated, 1)
    tr(use, 0); tr(use, 1); tr(use2, 2); tr(use3, 0); tr(use4, 2); tr(awith, 0)
    tr(one_if_else, 1); tern(1); wal([1, 3, 2]); tr(nested_try, 1)
    tr(try_ret, [2]); tr(try_ret, [])
    boolret(1, 0); boolret(0, 0)
    ann()
'''
"""What a measurement of branches may well get wrong; ``main()`` runs a part of it."""
