"""Another process that shares memory: in order, or as a peer must not."""
import fcntl
import os
import struct
import sys
import uuid

PAGE = 4096
F_ADD_SEALS, SEAL, SHRINK, GROW, FUTURE_WRITE = 1033, 1, 2, 4, 16
how, count = sys.argv[1], int(sys.argv[2])


def share(content, seals):
    token = uuid.uuid4()
    file = os.memfd_create("test", os.MFD_ALLOW_SEALING)
    rounded = (len(content) + PAGE - 1) // PAGE * PAGE
    os.ftruncate(file, rounded + PAGE)
    os.pwrite(file, content, 0)
    os.pwrite(file, token.bytes_le, rounded)
    if seals:
        fcntl.fcntl(file, F_ADD_SEALS, seals)
    return file, token


sealed = SEAL | SHRINK | GROW | FUTURE_WRITE
numbers = struct.pack(f"<{count}f", *(float(i % 1000) for i in range(count)))
segment, token = share(numbers, sealed if how != "can-shrink" else GROW | FUTURE_WRITE)
if how == "other-token":
    token = uuid.uuid4()
entry = struct.pack("<16sqi4x", token.bytes_le, len(numbers), segment)
head = struct.pack("<qi52x", 1, 1)
directory, token = share((head + entry).ljust(64 + 254 * 32, b"\0"), sealed)
print(f"{os.getpid()}/{directory}/{token.hex}", flush=True)
sys.stdin.read()
