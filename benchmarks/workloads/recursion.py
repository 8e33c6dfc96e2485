"""Recursion: Fibonacci, the towers of Hanoi, the queens on a chessboard."""


def fib(n: int) -> int:
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def hanoi(disks: int, source: str, target: str, spare: str) -> int:
    if disks == 0:
        return 0
    moves = hanoi(disks - 1, source, spare, target)
    moves += 1
    return moves + hanoi(disks - 1, spare, target, source)


def queens(size: int, columns: tuple[int, ...]) -> int:
    row = len(columns)
    if row == size:
        return 1
    solutions = 0
    for column in range(size):
        for other, taken in enumerate(columns):
            if taken == column or abs(taken - column) == row - other:
                break
        else:
            solutions += queens(size, (*columns, column))
    return solutions


def main() -> None:
    print(fib(22))
    print(hanoi(12, "left", "right", "middle"))
    print(queens(6, ()))


main()
