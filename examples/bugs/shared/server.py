"""Answers requests of several users at once."""

import asyncio


class Session:
    def __init__(self):
        self.user = None


class Server:
    def __init__(self):
        self.session = Session()

    async def login(self, name):
        self.session.user = name
        await asyncio.sleep(0)

    async def inbox(self):
        await asyncio.sleep(0)
        return f"the inbox of {self.session.user}"

    async def handle(self, name):
        await self.login(name)
        print(f"{name} gets {await self.inbox()}")


async def main():
    server = Server()
    async with asyncio.TaskGroup() as group:
        for name in ("ada", "bob"):
            group.create_task(server.handle(name), name=f"request of {name}")


asyncio.run(main())
