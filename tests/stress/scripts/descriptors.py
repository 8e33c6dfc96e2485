"""Closes, takes and replaces descriptors; the program's own files stay as they are to the byte."""

import json
import os
import random
import resource
import sys
from pathlib import Path

from tests.stress.work import Work

TURNS = 8
FIRST, LAST = 3, 200
MANY = 40
OUTPUT = 300
"""The descriptor at which standard output waits while another file has its number."""


class Program:
    """Has files of its own, and knows what is in them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.work = Work(seed)
        self.written: dict[str, bytes] = {}
        self.steps = 0

    def new_name(self) -> str:
        return f"own{len(self.written)}"

    def works(self) -> None:
        for _ in range(10):
            self.work.step()

    def closes_all(self) -> None:
        os.closerange(FIRST, LAST)
        self.takes_numbers()

    def takes_numbers(self) -> None:
        """Open files under all numbers that are free, and write to them while others work."""
        files = []
        for _ in range(MANY):
            name = self.new_name()
            content = self.chance.randbytes(self.chance.randrange(1, 3000))
            file = os.open(name, os.O_RDWR | os.O_CREAT)
            self.written[name] = content
            files.append((file, content))
        for file, content in files:
            half = len(content) // 2
            os.write(file, content[:half])
            self.work.step()
            os.write(file, content[half:])
        for file, content in files:
            assert os.pread(file, len(content) + 1, 0) == content
            if self.chance.random() < 0.7:
                os.close(file)

    def puts_one_everywhere(self) -> None:
        name = self.new_name()
        self.written[name] = content = self.chance.randbytes(3000)
        file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.write(file, content)
        for number in range(FIRST, LAST):
            if number != file:
                os.dup2(file, number)
        self.works()
        os.closerange(FIRST, LAST)

    def has_none_left(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (OUTPUT + 1, hard))
        taken = []
        try:
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            self.works()
        for number in taken:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def redirects_its_output(self) -> None:
        name = self.new_name()
        sys.stdout.flush()
        os.dup2(1, OUTPUT)
        file = os.open(name, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, 1)
        print("into", name, flush=True)
        self.works()
        os.write(1, b"and more\n")
        self.written[name] = f"into {name}\nand more\n".encode()
        os.dup2(OUTPUT, 1)
        os.close(OUTPUT)
        os.close(file)
        print("out of", name, flush=True)

    def closes_its_input(self) -> None:
        os.dup2(0, OUTPUT)
        os.close(0)
        name = self.new_name()
        self.written[name] = content = b"in place of the input"
        file = os.open(name, os.O_WRONLY | os.O_CREAT)
        self.works()
        os.write(file, content)
        os.dup2(OUTPUT, 0)
        os.close(OUTPUT)
        if file:
            os.close(file)

    def changes_its_folder(self) -> None:
        folder = f"folder{self.steps}"
        os.mkdir(folder)
        os.chdir(folder)
        self.works()
        os.chdir("..")

    def becomes_a_daemon(self) -> None:
        """Fork twice, and work in the last child without any descriptor of before."""
        name = self.new_name()
        self.written[name] = b"of a daemon" * 100
        reading, writing = os.pipe()
        sys.stdout.flush()
        child = os.fork()
        if not child:
            if not os.fork():
                os.dup2(writing, LAST)
                os.closerange(FIRST, LAST)
                self.works()
                Path(name).write_bytes(self.written[name])
                os.write(LAST, b"done")
            os._exit(0)
        os.close(writing)
        os.waitpid(child, 0)
        assert os.read(reading, 4) == b"done"
        os.close(reading)

    def run(self) -> None:
        ways = (
            self.closes_all,
            self.takes_numbers,
            self.puts_one_everywhere,
            self.has_none_left,
            self.redirects_its_output,
            self.closes_its_input,
            self.changes_its_folder,
            self.becomes_a_daemon,
        )
        for _ in range(TURNS):
            way = self.chance.choice(ways)
            way()
            self.works()
            self.steps += 1
            print(way.__name__, flush=True)
        for name, content in self.written.items():
            assert Path(name).read_bytes() == content, name
        print(json.dumps({"files of their own": len(self.written)}))


if __name__ == "__main__":
    Program(int(sys.argv[1])).run()
