"""The same work, shared out to some asyncio tasks that give way every ten turns.

python in_tasks.py TASKS TURNS
"""

import asyncio
import sys


async def count(turns: int) -> int:
    counts: dict[int, int] = {}
    total = 0
    for number in range(turns):
        key = number % 10
        counts[key] = counts.get(key, 0) + 1
        total += counts[key]
        if number % 10 == 9:
            await asyncio.sleep(0)
    return total


async def main(tasks: int, turns: int) -> None:
    await asyncio.gather(*(count(turns // tasks) for _ in range(tasks)))
    print(turns)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
