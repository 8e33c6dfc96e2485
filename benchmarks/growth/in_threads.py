"""The same work, shared out to some threads that run at once.

python in_threads.py THREADS TURNS
"""

import sys
import threading


def count(turns: int, into: list[int]) -> None:
    counts: dict[int, int] = {}
    total = 0
    for number in range(turns):
        key = number % 10
        counts[key] = counts.get(key, 0) + 1
        total += counts[key]
    into.append(total)


def main(threads: int, turns: int) -> None:
    into: list[int] = []
    running = [
        threading.Thread(target=count, args=(turns // threads, into)) for _ in range(threads)
    ]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    print(len(into))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
