"""Code whose branches a measurement may well get wrong."""

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
"""``main()`` runs a part of it."""
