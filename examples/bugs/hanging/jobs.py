"""Resizes pictures in a worker thread."""

import queue
import threading

SIZES = {"small": (320, 200), "large": (1280, 800)}


def parse(order):
    name, _, size = order.partition(":")
    return name, SIZES[size]


def resize(order):
    name, (width, height) = parse(order)
    print(f"{name} is {width} x {height}")


def worker(orders):
    while True:
        order = orders.get()
        resize(order)
        orders.task_done()


def main():
    orders = queue.Queue()
    for order in ("cat.png:small", "dog.png:large", "owl.png:", "fox.png:small"):
        orders.put(order)
    threading.Thread(target=worker, args=(orders,), name="resizer", daemon=True).start()
    orders.join()
    print("all done")


if __name__ == "__main__":
    main()
