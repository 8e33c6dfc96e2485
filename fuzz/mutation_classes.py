"""Classes that change themselves in every way, which the programs of `fuzz.mutations` import.

Each class is recorded Python, and its methods see only their arguments. So a line may first change
something and then call one of them: what they see is looked at when they are called.
"""

import re

from fuzz.mutation_functions import FUNCTIONS

__all__ = ["CLASSES", "LOCAL", "MODULE", "NAMES"]

_BOX = """
class Box:
    def __init__(self, held):
        self.held = held
        self.other = None
    def put(self, value):
        self.held.append(value)
        return self
    def renew(self, value):
        del self.held
        self.held = [value]
class Sibling(Box):
    def put(self, value):
        self.held.insert(0, value)
        return super().put(value)
"""

_SLOT = """
class Slot:
    __slots__ = ('held', 'other')
    def __init__(self, held):
        self.held = held
        self.other = None
    def put(self, value):
        self.other = value
        self.held.append([value])
class Wide(Slot):
    __slots__ = ('more',)
    def put(self, value):
        self.more = [value]
"""

_OPERATING = """
class Operating:
    def __init__(self, held):
        self.held = held
        self.seen = 0
    def note(self, value):
        self.held.insert(0, value)
        del self.held[5:]
        self.seen += 1
        return self
    def __iadd__(self, value): return self.note(value)
    def __add__(self, value):
        self.note(value)
        return 1
    def __radd__(self, value):
        self.note(value)
        return 2
    def __getitem__(self, key):
        self.note(('got', key))
        return self.held
    def __setitem__(self, key, value):
        self.note({key: value})
    def __delitem__(self, key):
        self.held.clear()
    def __contains__(self, value):
        self.note('in')
        return True
    def __call__(self, value):
        self.note(value)
        return value
    def __len__(self):
        self.note('len')
        return 2
    def __bool__(self):
        self.note('bool')
        return True
    def __eq__(self, value):
        self.note('eq')
        return self is value
    def __hash__(self):
        self.seen += 1
        return 1
    def __lt__(self, value):
        self.note('lt')
        value.seen = self.seen + 1
        return True
    def __neg__(self): return self.note('neg')
    def __invert__(self):
        self.held.append('invert')
    def __int__(self):
        self.note('int')
        return 3
    def __index__(self):
        self.note('index')
        return 0
    def __str__(self):
        self.note('str')
        return 's'
    def __format__(self, form):
        self.held.append(form)
        return form
    def __iter__(self):
        self.note('iter')
        yield 1
        self.held.clear()
        yield 2
    def __enter__(self): return self.note('enter')
    def __exit__(self, *error):
        self.held.append('exit')
        return True
    def __copy__(self):
        self.note('copy')
        return 4
    def __or__(self, value): return self.note('or')
    def __matmul__(self, value): return self.note([value])
"""

_STACK = """
class Stack(list):
    def append(self, value):
        super().append(['stack', value])
        self.count = len(self)
    def pop(self, *where):
        self.last = list.pop(self, *where)
        return self.last
    def extend(self, values):
        self[:] = [[value] for value in values]
    def sort(self, **how):
        self.clear()
    def insert(self, where, value):
        self.reverse()
        self += [value]
    def __iadd__(self, values):
        self.added = [*values]
        return self
"""

_TABLE = """
class Table(dict):
    def __missing__(self, key):
        self[key] = found = [key]
        return found
    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        self.last = [key]
    def update(self, *more, **values):
        self.clear()
    def setdefault(self, key, value=None):
        self.pop('k', None)
        return super().setdefault(key, value)
"""

_ECHO = """
class Echo:
    def __init__(self, held):
        self.held = held
    def append(self, value):
        self.held.insert(0, ('echo', value))
    def update(self, *values, **named):
        self.held.append(values)
        del self.held[6:]
    def add(self, value):
        self.held[:] = [value]
    def pop(self, *where):
        self.popped = self.held
        self.held = [self.held]
        del self.held[0][3:]
    def sort(self, **how):
        self.held.append('sort')
    extend = clear = insert = update
"""

_WATCHED = """
class Watched:
    def __init__(self, held):
        self.held = held
    @property
    def last(self):
        self.held.append('read')
        return self.held
    @last.setter
    def last(self, value):
        self.held[:] = [value]
    @last.deleter
    def last(self):
        self.held.clear()
    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        self.__dict__['set'] = [name]
    def __delattr__(self, name):
        self.__dict__['deleted'] = self.__dict__.pop(name, None)
    def __getattr__(self, name):
        if name.startswith('m'):
            self.__dict__['missed'] = [name]
            return self.__dict__
        raise AttributeError(name)
"""

_FIELD = """
class Field:
    def __set_name__(self, owner, name):
        self.name = name
    def __get__(self, instance, owner=None):
        if instance is None: return self
        instance.reads = instance.__dict__.get('reads', 0) + 1
        return instance.__dict__.setdefault(self.name, [])
    def __set__(self, instance, value):
        instance.__dict__[self.name] = [value]
    def __delete__(self, instance):
        instance.__dict__.clear()
class Fielded:
    held = Field()
    append = Field()
    def __init__(self, held):
        self.__dict__['held'] = held
"""

_DYING = """
class Dying:
    def __init__(self, log):
        self.log = log
    def __del__(self):
        self.log.append('gone')
        del self.log[4:]
"""

_STEPPING = """
class Stepping:
    def __init__(self, held):
        self.held = held
        self.at = 0
    def __iter__(self):
        self.at = 0
        return self
    def __next__(self):
        self.at += 1
        self.held.append([self.at])
        if self.at > 2:
            del self.held[2:]
            raise StopIteration
        return self.held
"""

_PAIRED = """
class Paired:
    __match_args__ = ('first', 'second')
    def __init__(self, held):
        self.held = held
    @property
    def first(self):
        self.held.append('first')
        return 1
    @property
    def second(self):
        self.held.clear()
        return self.held
    def keys(self):
        self.held.append('keys')
        return ['a', 'b']
    def __getitem__(self, key):
        self.held.insert(0, key)
        if key == 2: raise IndexError(key)
        return [key]
"""

_NUMBER = """
class Number(int):
    def __iadd__(self, value):
        self.note = [value]
        return self
    def __add__(self, value):
        self.sums = getattr(self, 'sums', 0) + 1
        return Number(int(self) + 1)
"""

_USER = """
import collections
class User(collections.UserList): pass
class Named(collections.UserDict):
    def __setitem__(self, key, value):
        super().__setitem__(key, [value])
        self.last = key
"""

_RECORD = """
@dataclasses.dataclass
class Record:
    held: list
    other: object = None
    more: list = dataclasses.field(default_factory=list)
    def grow(self, value):
        self.more += [value]
        return self
@dataclasses.dataclass(slots=True)
class Tight:
    held: list
    other: object = None
    def __post_init__(self):
        self.other = [self.other]
"""

_SINGLE = """
class Single:
    only = None
    def __new__(cls, *given):
        if cls.only is None:
            cls.only = super().__new__(cls)
        return cls.only
    def __init__(self, value):
        self.held = getattr(self, 'held', [])
        self.held.insert(0, value)
        del self.held[4:]
    @functools.cached_property
    def late(self):
        self.held.append('computed')
        return [self.held]
"""

_SHARED = """
class Meta(type):
    def __call__(cls, held):
        held.append('made')
        del held[4:]
        return super().__call__(held)
class Shared(metaclass=Meta):
    table = {'k': [1]}
    rows = [[2]]
    act = staticmethod(list.append)
    make = dict
    def __init__(self, held):
        super().__init__()
        self.held = held
    def put(self, value):
        self.table['p'] = value
        self.rows.append(value)
        del self.rows[4:]
"""

CLASSES = {
    "box": _BOX,
    "slot": _SLOT,
    "operating": _OPERATING,
    "stack": _STACK,
    "table": _TABLE,
    "echo": _ECHO,
    "watched": _WATCHED,
    "fielded": _FIELD,
    "dying": _DYING,
    "stepping": _STEPPING,
    "paired": _PAIRED,
    "number": _NUMBER,
    "user": _USER,
    "record": _RECORD,
    "single": _SINGLE,
    "shared": _SHARED,
}
"""By the kind of value that it makes."""

LOCAL = {
    "late": """
class Late(list): pass
def late_append(self, value): self.insert(0, ['late', value])
def late_get(self, key):
    list.append(self, key)
    return self
""",
    "shape": """
class Shape:
    def __init__(self, held): self.held = held
def shape_get(self, name):
    self.__dict__['missed'] = name
    return self.held
""",
}
"""The same, in the program itself, because lines change the class."""

NAMES = {
    kind: ", ".join(re.findall(r"^(?:async )?(?:class|def) (\w+)", text, re.MULTILINE))
    for kind, text in {"": FUNCTIONS, **CLASSES}.items()
}
"""The names to import for each kind; each program imports those of the empty kind."""

MODULE = FUNCTIONS + "".join(text.removeprefix("\n") for text in CLASSES.values())
"""The source of the module."""
