"""SimPy: customers in a bank, processes that are generators, with queues, stores and interrupts."""

import random
import sys

import simpy


def customer(env, name, counter, chance, log):
    arrived = env.now
    with counter.request(priority=chance.randint(0, 3)) as request:
        patience = chance.uniform(1, 6)
        found = yield request | env.timeout(patience)
        if request not in found:
            log.append((name, "left", env.now - arrived))
            return
        yield env.timeout(chance.expovariate(1 / 2.0))
        log.append((name, "served", env.now - arrived))


def producer(env, store, pieces):
    for number in range(pieces):
        yield env.timeout(1.5)
        yield store.put({"number": number, "at": env.now})


def consumer(env, store, log):
    while True:
        try:
            piece = yield store.get()
            yield env.timeout(1)
            log.append(("piece", piece["number"], env.now))
        except simpy.Interrupt as interrupt:
            log.append(("interrupt", str(interrupt.cause), env.now))


def main(banks: int) -> None:
    events = 0
    for seed in range(banks):
        chance = random.Random(seed)
        env = simpy.Environment()
        counter = simpy.PriorityResource(env, capacity=2)
        store = simpy.Store(env, capacity=3)
        log: list[tuple] = []
        worker = env.process(consumer(env, store, log))
        env.process(producer(env, store, 40))

        def source(env=env, counter=counter, chance=chance, log=log, worker=worker):
            for number in range(60):
                env.process(customer(env, f"customer {number}", counter, chance, log))
                if number % 10 == 9:
                    worker.interrupt(number)
                yield env.timeout(chance.expovariate(1.0))

        env.process(source())
        env.run(until=200)
        events += len(log)
    print("simpy", banks, events)


if __name__ == "__main__":
    main(int(sys.argv[1]))
