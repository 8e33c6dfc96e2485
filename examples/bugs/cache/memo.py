"""Remembers what functions returned."""

import functools


def key_of(args, kwargs):
    return args + tuple(sorted(kwargs))


class Cache:
    def __init__(self, size):
        self.size = size
        self.results = {}

    def fetch(self, key, compute):
        if key not in self.results:
            if len(self.results) == self.size:
                self.results.pop(next(iter(self.results)))
            self.results[key] = compute()
        return self.results[key]


def remembered(size=100):
    def decorate(function):
        cache = Cache(size)

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            key = key_of(args, kwargs)
            return cache.fetch(key, lambda: function(*args, **kwargs))

        return wrapper

    return decorate
