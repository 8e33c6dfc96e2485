"""A big list mutated in a loop: a thousand cells, two of which change on each turn."""


def shuffle(cells: list[int], turns: int) -> int:
    seed = 12345
    for _ in range(turns):
        seed = (seed * 1103515245 + 12345) % 2**31
        first = seed % len(cells)
        second = seed // len(cells) % len(cells)
        cells[first], cells[second] = cells[second], cells[first]
    return seed


def sieve(size: int) -> list[int]:
    cells = [1] * size
    cells[0] = cells[1] = 0
    number = 2
    while number * number < size:
        if cells[number]:
            for multiple in range(number * number, size, number):
                cells[multiple] = 0
        number += 1
    return cells


def grow(turns: int) -> list[int]:
    queue = list(range(200))
    for turn in range(turns):
        queue.append(turn)
        if turn % 3 == 0:
            queue.pop(0)
    return queue


def main() -> None:
    cells = list(range(1000))
    print(shuffle(cells, 2000))
    print(sum(place * cell for place, cell in enumerate(cells)) % 1_000_003)
    print(sum(sieve(1000)))
    print(sum(grow(600)))


main()
