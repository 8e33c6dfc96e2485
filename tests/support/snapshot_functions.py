"""Programs whose functions run in every way, and what their variables hold there."""

FUNCTIONS = {
    "closures": """
def counter(start):
    count = start
    history = []
    def step(by=1):
        nonlocal count
        count += by
        history.append(count)
        return count
    def reset():
        nonlocal count, history
        count = 0
        history = []
    first = step()
    second = step(5)
    kept = history
    reset()
    third = step(7)
    def outer():
        local = [count]
        def inner():
            nonlocal local, count
            local = local + [[count]]
            count = 'set from within'
            late = 'x'
            def innermost():
                nonlocal late
                late = [[[['deep']]]]
                history.append(late)
            innermost()
            return late
        result = inner()
        return result, local
    pair = outer()
    del kept
    return step, reset, pair
step, reset, pair = counter(10)
try:
    step(1)
except TypeError:
    reset()
value = step(3)
functions = [lambda n, i=i: (n, i, value) for i in range(3)]
results = [f(i) for i, f in enumerate(functions)]
def later():
    def use():
        return defined
    try:
        use()
    except NameError:
        pass
    defined = 'now'
    got = use()
    del defined
    return got
got = later()
def shadows(value):
    def change():
        nonlocal value
        value = {'changed': value}
        del value
    change()
    value = 'back'
    return value
got = shadows([1])
""",
    "generators": """
def numbers(limit, log):
    n = 0
    while n < limit:
        try:
            got = yield n
            log.append(got)
        except KeyError as error:
            log.append(repr(error))
        finally:
            n += 1
    return ['done', n]
log = []
g = numbers(3, log)
first = next(g)
second = g.send([1, [2]])
log[0].append('changed outside')
third = g.throw(KeyError('k'))
def delegate(log):
    before = len(log)
    result = yield from numbers(2, log)
    result.append(before)
    yield result
values = []
for value in delegate(log):
    values.append(value)
    log.append(('seen', value))
g.close()
squares = (x * x for x in log if isinstance(x, int))
total = sum(len(str(x)) for x in log)
def closing():
    state = ['open']
    try:
        while True:
            yield state
            state.append('again')
    finally:
        state.append('closed')
c = closing()
state = next(c)
next(c)
c.close()
def pipeline(source):
    for item in source:
        doubled = [item, item]
        yield doubled
out = [pair for pair in pipeline(x + 1 for x in range(2))]
def two():
    a = yield
    b = yield a
    return a, b
t = two()
next(t)
u = two()
next(u)
x, y = t.send('t'), u.send('u')
try:
    t.send('end')
except StopIteration as stop:
    ended = stop.value
""",
    "asynchronous": """
import asyncio
class Manager:
    def __init__(self):
        self.log = []
    async def __aenter__(self):
        self.log.append('enter')
        await asyncio.sleep(0)
        return self
    async def __aexit__(self, kind, error, traceback):
        self.log.append(['exit', str(error)])
        return True
async def produce(n, out):
    for i in range(n):
        await asyncio.sleep(0)
        out.append((n, i))
        yield [i]
async def work(n, shared):
    total = []
    async for item in produce(n, shared):
        total += item
        shared.append(total)
    return total
async def main():
    shared = []
    first = await work(2, shared)
    both = await asyncio.gather(work(1, shared), work(2, shared))
    manager = Manager()
    async with manager as entered:
        entered.log.append('inside')
        raise ValueError('in with')
    made = [x async for x in produce(2, shared)]
    lengths = {len(x): x for x in [await work(1, shared)]}
    try:
        async with asyncio.timeout(0):
            await asyncio.sleep(1)
    except TimeoutError as error:
        shared.append(str(error))
    return shared, first, both
result = asyncio.run(main())
count = len(result[0])
""",
    "exceptions": """
class Own(Exception):
    def __init__(self, code, detail):
        super().__init__(code)
        self.detail = detail
def fails(n):
    try:
        if n == 0:
            raise Own(n, {'n': [n]})
        if n == 1:
            raise KeyError('one', [n])
        value = [][n]
    except Own as own:
        own.detail['handled'] = True
        own.add_note('noted')
        raise RuntimeError('wrapped') from own
    except LookupError as error:
        kept = error
        kept.args += ('more',)
    else:
        value = 'else'
    finally:
        n += 100
    return n, kept
caught = []
for n in range(3):
    try:
        caught.append(fails(n))
    except RuntimeError as error:
        caught.append(error)
        error.extra = [n]
        caught[0].extra.append(error.__cause__.detail)
class Manager:
    def __init__(self, swallow):
        self.swallow = swallow
        self.seen = []
    def __enter__(self):
        self.seen.append('enter')
        return self.seen
    def __exit__(self, kind, error, traceback):
        self.seen.append(error)
        return self.swallow
with Manager(True) as seen:
    seen.append('body')
    raise ValueError('swallowed')
with Manager(False) as one, Manager(False) as two:
    one.append(two)
try:
    with Manager(False) as seen:
        1 / 0
except ZeroDivisionError:
    last = seen[-1]
try:
    raise ExceptionGroup('group', [ValueError(1), KeyError(2)])
except* ValueError as group:
    first = group.exceptions
except* KeyError as group:
    second = group.message
def cleanup():
    state = []
    try:
        try:
            raise OSError(2, 'no')
        finally:
            state.append('inner')
    except OSError as error:
        state.append(error)
        error = None
    return state
state = cleanup()
def returns():
    for i in range(2):
        try:
            return i
        finally:
            i = 'finally'
value = returns()
""",
    "globals": """
count = 0
registry = {}
config = {'deep': {'list': []}}
def bump():
    global count
    count += 1
    registry[count] = [count]
    return count
def rebind():
    global registry, fresh
    old = registry
    registry = {'old': old}
    fresh = 'new'
    old['x'] = [registry]
def use():
    local = registry
    local['used'] = fresh
    if count > 2:
        config['deep']['list'].append([[count]])
    return local
def remove():
    global fresh
    del fresh
    bump()
bump()
value = bump()
rebind()
value = use()
bump()
again = use()
remove()
for name in list(registry):
    count = name
    bump_result = registry[name]
def reads():
    before = count
    bump_count = bump
    return before, bump_count.__name__
try:
    value = reads()
    bump()
except TypeError as error:
    message = str(error)
count = 10
bump()
after = config['deep']['list']
after.append(config)
""",
    "recursion": """
def build(depth, path, seen={}):
    path = path + [depth]
    seen[depth] = path
    if not depth:
        return {'leaf': path}
    left = build(depth - 1, path)
    right = left if depth % 2 else build(depth - 1, path)
    left['right'] = right
    path.append('done')
    return {'left': left, 'path': path}
tree = build(3, [])
def flatten(node, into):
    for name, value in node.items():
        if name == 'left':
            flatten(value, into)
        elif name == 'leaf':
            into.append(value)
        else:
            into += [name]
    return into
flat = flatten(tree, [])
def permutations(items, chosen, out):
    if not items:
        out.append(chosen[:])
        return
    for i, item in enumerate(items):
        chosen.append(item)
        permutations(items[:i] + items[i + 1:], chosen, out)
        chosen.pop()
out = []
permutations([1, 2, 3], [], out)
def even(n): return True if n == 0 else odd(n - 1)
def odd(n):
    if n == 0:
        return False
    return even(n - 1)
answers = even(4), odd(4)
def quicksort(a, low, high):
    if low < high:
        pivot, i = a[high], low
        for j in range(low, high):
            if a[j] < pivot:
                a[i], a[j] = a[j], a[i]
                i += 1
        a[i], a[high] = a[high], a[i]
        quicksort(a, low, i - 1)
        quicksort(a, i + 1, high)
data = [3, 1, 4, 1, 5, 9, 2, 6]
quicksort(data, 0, len(data) - 1)
""",
    "threads": """
import threading
lock = threading.Lock()
turns = [threading.Lock() for _ in range(3)]
for turn in turns:
    turn.acquire()
shared = {'log': []}
def note(name, round, mine):
    with lock:
        shared['log'].append((name, round))
        mine.append(shared['log'][-1])
        shared[name] = mine
def worker(index, name):
    # What it sees itself, nobody else changes: which thread goes first does not matter.
    mine = []
    for round in range(2):
        turns[index].acquire()
        note(name, round, mine)
        following = turns[(index + 1) % 3]
        mine.append([round])
        following.release()
def start(index, name):
    threading.Thread(target=worker, args=(index, name), name=name).start()
def lead(rounds):
    start(0, 'one')
    start(1, 'two')
    for round in range(rounds):
        turns[0].release()
        turns[2].acquire()
        note('main', round, [])
lead(2)
finished = not any(map(threading.Thread.join, threading.enumerate()[1:]))
result = dict(shared)
result['log'].append('end')
""",
    "arguments": """
def every(a, b=[], /, c=(), *args, d, e={}, **kwargs):
    b.append(a)
    e[a] = args
    kwargs['added'] = b
    a = [a]
    args += (a,)
    del c
    c = kwargs
    return a, b, c, d, e
shared = [0]
first = every(1, d=2)
second = every(2, shared, (3,), 4, [5], d=shared, e={}, f=6)
third = every(*[3], **{'d': {'nested': shared}, 'g': 7})
shared.append(second)
second[2]['f'] = 'changed'
def mutate(items, *, into):
    items.append('mutated')
    items = items[:]
    items.append('copy only')
    into['items'] = items
    into = None
    return items
box = {}
mutated = mutate(shared, into=box)
mutate(items=box['items'], into=box)
def defaults(when=len(shared), *, store=box):
    store['when'] = when
    return store
same = defaults()
other = defaults(0, store={})
def swap(a, b): a[:], b[:] = b[:], a[:]
left, right = [1], [[2]]
swap(left, right)
left[0].append(right)
apply = lambda f, *a, **k: f(*a, **k)
applied = apply(mutate, left, into=other)
""",
}
