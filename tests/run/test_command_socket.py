"""Commands reach the worker also after somebody has deleted its socket."""

import asyncio

from indexer.clients.unix_socket import LocalClient, socket_path
from indexer.run import command_socket as module
from indexer.run.command_socket import CommandSocket

PATIENCE_S = 100.0


class Server:
    """Takes no request; what is asked for here is the socket."""

    def __init__(self, listener):
        self.listener = listener
        self.ended = asyncio.Event()

    async def run_until_stopped(self):
        await self.ended.wait()
        self.listener.close()

    def stop(self):
        self.ended.set()


class Service:
    def server(self, listener, caller):
        return Server(listener)


async def test_a_deleted_socket_is_made_again_and_gone_in_the_end(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.01)
    catalog, stop = tmp_path / "index.duckdb", asyncio.Event()
    running = asyncio.create_task(CommandSocket(Service(), catalog, stop).run())
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(3):
            while not LocalClient(catalog).is_reachable():  # noqa: ASYNC110 - of the file system
                await asyncio.sleep(0.01)
            socket_path(catalog).unlink()
        stop.set()
        await running
    assert not socket_path(catalog).exists()
    assert {record.event for record in caplog.records} == {"socket.made_again"}
