"""A small shop: calls, a loop, a generator, recursion, an exception raised and handled."""

from __future__ import annotations

from collections.abc import Iterator

STOCK = {"apple": 3, "pear": 0, "plum": 5}
PRICES = {"apple": 50, "plum": 20}
BOXES = {"crate": ["basket", "plum"], "basket": ["apple", "pear"]}


class SoldOutError(Exception):
    pass


def take(name: str, amount: int) -> int:
    if STOCK[name] < amount:
        raise SoldOutError(f"{amount} {name} wanted, {STOCK[name]} left")
    STOCK[name] -= amount
    return PRICES[name] * amount


def contents(box: str) -> Iterator[str]:
    for name in BOXES[box]:
        if name in BOXES:
            yield from contents(name)
        else:
            yield name


def depth(box: str) -> int:
    inner = [depth(name) for name in BOXES.get(box, [])]
    return 1 + max(inner, default=0)


def sell(box: str) -> int:
    total = 0
    for name in contents(box):
        try:
            total += take(name, amount=2)
        except SoldOutError as error:
            print(f"  sorry: {error}")
    return total


def main() -> None:
    print(f"a crate holds boxes {depth('crate')} deep")
    print(f"sold for {sell('crate')} cents")


if __name__ == "__main__":
    main()
