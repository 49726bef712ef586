"""A WebSocket server in a thread of its own: the library's, over HTTP/1.1."""
import asyncio
import socket
import threading

import websockets

PATIENCE = 20
FRAME_MAX = 1 << 24


class EchoServer:
    """What comes goes back; 'bye' ends it with 4001, 'ping' asks the client first."""

    def __init__(self):
        self.left, self.heads = [], []
        self.loop = asyncio.new_event_loop()
        self.server = None
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        ready = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(ready,), daemon=True)
        self.thread.start()
        assert ready.wait(PATIENCE)

    def run(self, ready):
        async def serve():
            self.server = await websockets.serve(self.talk, sock=self.listener, max_size=FRAME_MAX,
                                                 subprotocols=['echo.example'], ping_interval=None)
            ready.set()
        self.loop.run_until_complete(serve())
        self.loop.run_forever()

    async def talk(self, peer):
        self.heads.append(list(peer.request_headers.raw_items()))
        try:
            async for message in peer:
                if message == 'bye':
                    await peer.close(4001, 'as asked')
                elif message == 'ping':
                    await asyncio.wait_for(await peer.ping(b'are you there'), PATIENCE)
                    await peer.send('ponged')
                else:
                    await peer.send(message)
        finally:
            await peer.wait_closed()
            self.left.append(peer.close_code)

    def stop(self):
        async def end():
            self.server.close()
            await self.server.wait_closed()
        asyncio.run_coroutine_threadsafe(end(), self.loop).result(PATIENCE)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(PATIENCE)
