"""The Peer service of interop.proto on grpcio. Prints its port, serves until standard input ends."""

import sys
import threading
from concurrent import futures

import grpc

from messages import FAIL_DETAILS, FAIL_TEXT, SERVICE, decode, encode

cancelled = 0
lock = threading.Lock()


def count_cancellation():
    global cancelled
    with lock:
        cancelled += 1


def unary(request, context):
    text, _, payload = decode(request)
    asked = [(key, value) for key, value in context.invocation_metadata() if key.startswith("x-ask")]
    if asked:
        context.send_initial_metadata([(key.replace("x-ask", "x-head"), value) for key, value in asked])
        context.set_trailing_metadata([(key.replace("x-ask", "x-trail"), value) for key, value in asked])
    if text == "fail":
        context.set_trailing_metadata((("grpc-status-details-bin", FAIL_DETAILS), ("x-trail", "last")))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, FAIL_TEXT)
    if text == "throw":
        raise ValueError("shard 3 is short")
    if text == "sleep":
        ended = threading.Event()
        context.add_callback(ended.set)
        ended.wait(30)
        count_cancellation()
        return b""
    if text == "cancelled":
        return encode(number=cancelled)
    if text == "headers":
        headers = sorted(key for key, _ in context.invocation_metadata())
        return encode(text=",".join(headers))
    return encode(text, 0, payload)


def server_stream(request, context):
    text, count, payload = decode(request)
    for index in range(count):
        yield encode(text, index, payload)


def client_stream(requests, context):
    texts = [decode(request)[0] for request in requests]
    return encode(",".join(texts), len(texts))


def duplex(requests, context):
    terminated, finished = threading.Event(), threading.Event()

    def ended():
        # grpcio may drop this generator without resuming it, so only the callback sees every cancellation.
        if not finished.is_set():
            count_cancellation()
        terminated.set()

    if not context.add_callback(ended):
        ended()
    for index, request in enumerate(requests):
        text, _, payload = decode(request)
        yield encode(text, index, payload)
    # grpcio may end the requests of a cancelled call a moment before it says that the call was cancelled.
    if not terminated.wait(0.3):
        finished.set()


def main():
    compression = grpc.Compression.Gzip if "--gzip" in sys.argv else grpc.Compression.NoCompression
    limit = -1 if "--unlimited" in sys.argv else 4 * 1024 * 1024
    server = grpc.server(
        futures.ThreadPoolExecutor(16),
        options=[("grpc.max_receive_message_length", limit), ("grpc.max_send_message_length", -1)],
        compression=compression,
    )
    handlers = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "ServerStream": grpc.unary_stream_rpc_method_handler(server_stream),
        "ClientStream": grpc.stream_unary_rpc_method_handler(client_stream),
        "Duplex": grpc.stream_stream_rpc_method_handler(duplex),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    sys.stdin.read()
    server.stop(0)


main()
