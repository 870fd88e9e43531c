"""orchestrator.v1.Collective on grpcio and protobuf's own Python package.

peer.py call ADDRESS SIZE...   pushes a segment for each payload size and prints what it was answered
peer.py serve                  prints its port, serves until standard input ends, then prints what it was pushed
Both print one JSON object; payloads are told by their SHA-256. Byte i of payload n is (31 * i + n) mod 256.
"""

import hashlib
import json
import sys
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

METHOD = "/orchestrator.v1.Collective/Push"
NUMBERS = ["generation", "step", "sender", "phase", "node_first", "node_length", "offset", "prepared_generation"]
LONG = descriptor_pb2.FieldDescriptorProto.TYPE_INT64
BYTES = descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def messages():
    file = descriptor_pb2.FileDescriptorProto(name="collective.proto", package="orchestrator.v1", syntax="proto3")
    segment = file.message_type.add(name="Segment")
    for number, name in enumerate(NUMBERS, 1):
        segment.field.add(name=name, number=number, type=LONG, label=1)
    segment.field.add(name="payload", number=9, type=BYTES, label=1)
    summary = file.message_type.add(name="PushSummary")
    summary.field.add(name="segments", number=1, type=LONG, label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return [factory.GetPrototype(pool.FindMessageTypeByName("orchestrator.v1." + name)) for name in ("Segment", "PushSummary")]


Segment, PushSummary = messages()


def payload(size, seed):
    block = bytes((31 * i + seed) % 256 for i in range(256))
    return (block * (size // 256 + 1))[:size]


def describe(segment):
    return {"header": [getattr(segment, name) for name in NUMBERS], "bytes": len(segment.payload), "sha256": hashlib.sha256(segment.payload).hexdigest()}


def call(address, sizes):
    sent = [
        Segment(generation=7, step=n, sender=3, phase=1, node_first=2, node_length=2, offset=4096, prepared_generation=7, payload=payload(size, n))
        for n, size in enumerate(sizes)
    ]
    metadata = [("orchestrator-run", "run-1"), ("orchestrator-generation", "7"), ("orchestrator-sender", "3")]
    with grpc.insecure_channel(address, OPTIONS) as channel:
        push = channel.stream_unary(METHOD, Segment.SerializeToString, PushSummary.FromString)
        try:
            summary, done = push.with_call(iter(sent), metadata=metadata, timeout=60)
            answer = {"code": done.code().name, "segments": summary.segments}
        except grpc.RpcError as error:
            answer = {"code": error.code().name, "details": error.details()}
    answer["sent"] = [describe(segment) for segment in sent]
    print(json.dumps(answer))


def serve():
    seen = []
    metadata = []

    def push(segments, context):
        metadata.extend([key, value] for key, value in context.invocation_metadata() if key.startswith("orchestrator-"))
        for segment in segments:
            seen.append(describe(segment))
            if segment.step == 999:
                context.abort(grpc.StatusCode.ABORTED, "step 999 is over")
        return PushSummary(segments=len(seen))

    handler = grpc.stream_unary_rpc_method_handler(push, Segment.FromString, PushSummary.SerializeToString)
    server = grpc.server(futures.ThreadPoolExecutor(4), options=OPTIONS)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("orchestrator.v1.Collective", {"Push": handler})])
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    sys.stdin.read()
    server.stop(0).wait()
    print(json.dumps({"seen": seen, "metadata": metadata}))


if sys.argv[1] == "call":
    call(sys.argv[2], [int(size) for size in sys.argv[3:]])
else:
    serve()
