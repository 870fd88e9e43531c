"""Ask and Answer of interop.proto by hand: three fields of the proto3 wire format, so that no generated code is needed."""

SERVICE = "orchestrator.interop.v1.Peer"
FAIL_TEXT = "50% of step 7\nwas lost: \u00e4\u6587"
FAIL_DETAILS = bytes(range(256))


def _varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def encode(text="", number=0, payload=b""):
    """Field 1 is text, 2 is count or index, 3 is payload; zero values are left out, as proto3 does."""
    raw = text.encode()
    out = b""
    if raw:
        out += b"\x0a" + _varint(len(raw)) + raw
    if number:
        out += b"\x10" + _varint(number)
    if payload:
        out += b"\x1a" + _varint(len(payload)) + payload
    return out


def decode(data):
    """Returns (text, number, payload)."""
    text, number, payload, at = "", 0, b"", 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        value, at = _read_varint(data, at)
        if tag == 0x10:
            number = value
            continue
        chunk = data[at : at + value]
        at += value
        if tag == 0x0A:
            text = chunk.decode()
        elif tag == 0x1A:
            payload = chunk
        else:
            raise ValueError(f"unknown tag {tag}")
    return text, number, payload
