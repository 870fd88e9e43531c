"""Calls the Peer service with grpcio. Usage: client.py ADDRESS SCENARIO. Prints one JSON object of what the scenario saw."""

import hashlib
import json
import sys
import threading

import grpc

from messages import FAIL_DETAILS, FAIL_TEXT, SERVICE, decode, encode

MEBIBYTE = 1024 * 1024


class Peer:
    def __init__(self, channel):
        path = f"/{SERVICE}/"
        self.unary = channel.unary_unary(path + "Unary")
        self.server_stream = channel.unary_stream(path + "ServerStream")
        self.client_stream = channel.stream_unary(path + "ClientStream")
        self.duplex = channel.stream_stream(path + "Duplex")
        self.unknown_method = channel.unary_unary(path + "Nothing")
        self.unknown_service = channel.unary_unary("/orchestrator.interop.v1.Elsewhere/Unary")


def failure(call):
    try:
        call()
    except grpc.RpcError as error:
        trailers = {key: value.hex() if isinstance(value, bytes) else value for key, value in error.trailing_metadata() or ()}
        return {"code": error.code().name, "details": error.details(), "trailers": trailers}
    return {"code": "OK"}


def plain(metadata):
    return [[key, value.hex() if isinstance(value, bytes) else value] for key, value in metadata if key.startswith("x-")]


def unary(peer):
    metadata = (("x-ask", "plain text"), ("x-ask-bin", b"\x00\x01\xfe\xff"))
    answer, call = peer.unary.with_call(encode("hello", 0, b"\x00\xff"), metadata=metadata)
    text, _, payload = decode(answer)
    return {"text": text, "payload": payload.hex(), "head": plain(call.initial_metadata()), "trail": plain(call.trailing_metadata()), "code": call.code().name}


def server_stream(peer):
    return {"indexes": [decode(answer)[1] for answer in peer.server_stream(encode("s", 1000))]}


def client_stream(peer):
    text, count, _ = decode(peer.client_stream(encode(str(i)) for i in range(1000)))
    return {"text": text, "count": count}


def duplex(peer):
    wake, asks, seen = threading.Semaphore(1), 100, []

    def requests():
        for i in range(asks):
            wake.acquire()
            yield encode(f"m{i}")

    for answer in peer.duplex(requests()):
        seen.append(decode(answer)[0])
        wake.release()
    return {"texts": seen}


def large(peer):
    payload = bytes(range(256)) * (16 * MEBIBYTE // 256)
    ask = encode("big", 1, payload)
    answers = [peer.unary(ask), *peer.server_stream(ask), *peer.duplex(iter([ask, ask]))]
    _, count, _ = decode(peer.client_stream(iter([ask, ask])))
    return {"sha256": [hashlib.sha256(decode(answer)[2]).hexdigest() for answer in answers], "expected": hashlib.sha256(payload).hexdigest(), "count": count}


def deadline(peer):
    # Connecting counts: with less, a busy machine lets the deadline pass before the method is reached, and there is nothing to end.
    return failure(lambda: peer.unary(encode("sleep"), timeout=4))


def cancellation(peer):
    keep_open = threading.Event()

    def requests():
        yield encode("one")
        keep_open.wait(30)

    call = peer.duplex(requests())
    first = decode(next(call))[0]
    call.cancel()
    keep_open.set()
    return {"first": first, "code": call.code().name}


def status(peer):
    return failure(lambda: peer.unary(encode("fail"))) | {"expectedText": FAIL_TEXT, "expectedDetails": FAIL_DETAILS.hex()}


def exception(peer):
    return failure(lambda: peer.unary(encode("throw")))


def unknown(peer):
    return {"method": failure(lambda: peer.unknown_method(b"")), "service": failure(lambda: peer.unknown_service(b""))}


def over_limit(peer):
    return {
        "sent": failure(lambda: peer.unary(encode("big", 0, bytes(5 * MEBIBYTE)))),
        "afterwards": decode(peer.unary(encode("still here")))[0],
    }


def gzip(peer):
    text = decode(peer.unary(encode("z" * 100_000), compression=grpc.Compression.Gzip))[0]
    return {"length": len(text)}


def many(peer):
    calls = [peer.unary.future(encode(str(i))) for i in range(300)]
    return {"texts": [decode(call.result())[0] for call in calls]}


def main():
    address, scenario = sys.argv[1:3]
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(address, options=options) as channel:
        print(json.dumps(globals()[scenario](Peer(channel))))


main()
