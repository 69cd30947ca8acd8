#!/usr/bin/env python3
"""Writes the seeds of the fuzzers' corpora: tests/fuzz/seeds.py

What stands in corpus/ beside them (findings, and inputs that fuzzing found worth keeping) is left alone.
"""

import pathlib
import struct

CORPUS = pathlib.Path(__file__).resolve().parent / 'corpus'
MASK = bytes([0x37, 0xfa, 0x21, 0x3d])


def write(target, seeds):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds.items():
        (folder / name).write_bytes(data)


def masked(payload, mask=MASK):
    return bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


def frame(opcode, payload=b'', fin=True, rsv=0, mask=MASK, length=None):
    """One frame as a client sends it, or with mask=None as a server does; `length` is what it claims."""
    length = len(payload) if length is None else length
    bit = 0x80 if mask else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if length < 126:
        head += bytes([bit | length])
    elif length < 65536:
        head += bytes([bit | 126]) + struct.pack('>H', length)
    else:
        head += bytes([bit | 127]) + struct.pack('>Q', length)
    return head + (mask + masked(payload, mask) if mask else payload)


def close(code, reason=b'', **options):
    return frame(8, struct.pack('>H', code) + reason, **options)


TEXT, BINARY, PING, PONG = 1, 2, 9, 10
UTF8 = 'zażółć gęślą jaźń, 水, 🦉'.encode()


def frames():
    server = {'mask': None}
    wires = {
        'text_and_close': frame(TEXT, UTF8) + close(1000, b'bye'),
        'fragments_with_ping': frame(TEXT, b'one', fin=False) + frame(PING, b'p') + frame(0, b'two', fin=False) + frame(0, UTF8),
        'empty_frames': frame(BINARY) + frame(TEXT) + frame(PING) + frame(PONG),
        'long_lengths': frame(BINARY, bytes(126)) + frame(BINARY, b'x' * 300),
        'two_closes': close(3001, b'first') + close(1000),
        'bad_close': close(1005),
        'close_of_one_byte': frame(8, b'x'),
        'new_message_inside': frame(TEXT, b'one', fin=False) + frame(BINARY, b'two'),
        'compressed': frame(TEXT, bytes.fromhex('f248cdc9c90700'), rsv=4),
        'too_big': frame(BINARY, b'x', length=1 << 40),
        'top_bit': frame(BINARY, b'x', length=1 << 63),
        'reserved_control': frame(11, b'x' * 130),
        'cut_header': frame(BINARY, b'x' * 300)[:5],
    }
    seeds = {name: bytes([6, 3]) + wire for name, wire in wires.items()}
    seeds['limit_5'] = bytes([6, 0]) + frame(BINARY, b'123', fin=False) + frame(0, b'456')
    seeds['from_server'] = bytes([1, 9]) + frame(TEXT, UTF8, **server) + frame(BINARY, b'x' * 200, **server) + close(1001, **server)
    write('frame_walker', seeds)


def bytes_tools():
    write('mask', {
        'short': bytes([0, 0]) + MASK + b'abc',
        'word': bytes([1, 1]) + MASK + b'12345678',
        'vector': bytes([2, 5]) + MASK + bytes(range(100)),
        'unaligned': bytes([7 << 2 | 3, 40]) + MASK + b'x' * 67,
        'long': bytes([31 << 2, 255]) + MASK + bytes(i * 7 & 255 for i in range(1000)),
        'empty': bytes([0, 0]) + MASK,
    })
    write('utf8', {
        'ascii': bytes([3, 40]) + b'plain text, as most of it is',
        'mixed': bytes([7, 31]) + UTF8 * 3,
        'every_length': bytes([1, 0]) + '\x7f\x80\u07ff\u0800\uffff\U00010000\U0010ffff'.encode(),
        'noncharacters': bytes([1, 0]) + '\ufffe\uffff\U0001fffe\ufdd0'.encode(),
        'surrogate': bytes([2, 15]) + b'\xed\xa0\x80',
        'overlong_2': bytes([2, 16]) + b'\xc0\xaf',
        'overlong_3': bytes([2, 17]) + b'\xe0\x9f\xbf',
        'overlong_4': bytes([2, 33]) + b'\xf0\x8f\xbf\xbf',
        'past_the_end': bytes([2, 1]) + b'\xf4\x90\x80\x80',
        'cut_2': bytes([9, 63]) + b'\xc3',
        'cut_3': bytes([9, 63]) + b'\xe2\x82',
        'cut_4': bytes([9, 63]) + b'\xf0\x9f\xa6',
        'lone_continuation': bytes([9, 12]) + b'x\x80',
        'wrong_continuation': bytes([9, 28]) + b'\xe2\x28\xa1',
    })


def main():
    frames()
    bytes_tools()


if __name__ == '__main__':
    main()
