"""Web servers that mean no good."""

import contextlib
import socket
import threading
import time


@contextlib.contextmanager
def server(answer):
    """A server whose connections `answer(socket)` gets, each in a thread; its URL."""
    ended = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    threads = []

    def serve(connection):
        with connection, contextlib.suppress(OSError):
            answer(connection, ended)

    def listen():
        while not ended.is_set():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=serve, args=(connection,)))
                threads[-1].start()

    main = threading.Thread(target=listen)
    main.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ended.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (main, *threads):
            thread.join()


def silent_server():
    """It takes a request and says nothing."""
    return server(lambda connection, ended: ended.wait(20))


def dripping_server(head, drop, every=0.05):
    """It says `head` at once, and then `drop` again and again."""
    def answer(connection, ended):
        connection.recv(65536)
        connection.sendall(head)
        while not ended.wait(every):
            connection.sendall(drop)
            time.sleep(0)

    return server(answer)
