#!/usr/bin/env python3
"""Writes the seeds of the fuzzers' corpora: tests/fuzz/seeds.py

What stands in corpus/ beside them (findings, and inputs that fuzzing found worth keeping) is left alone.
"""

import json
import pathlib
import struct
import zlib

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
    """A frame as sent by a client, or with mask=None by a server; `length` is the length in its header."""
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


def tunnel():
    write('tunnel_encoding', {
        'binary': bytes([0, 4]) + bytes(range(256)),
        'text': bytes([1, 2]) + UTF8 * 4,
        'text_cut': bytes([1, 2]) + UTF8 + b'\xf0\x9f\xa6',
        'text_wrong': bytes([1, 7]) + UTF8 + b'\xed\xa0\x80' + UTF8,
        'base64_bytes': bytes([2, 1]) + bytes(range(100)),
        'base64_text': bytes([2, 3]) + b'aGVsbG8gd29ybGQ=',
        'base64_two_pads': bytes([2, 5]) + b'aGVsbA==',
        'base64_bits_under_padding': bytes([2, 5]) + b'aGVsbH==',
        'base64_pad_inside': bytes([2, 6]) + b'aGVs=bA==',
        'base64_space': bytes([2, 6]) + b'aGVs bG8=',
    })


KEY = b'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
VERSION = b'Sec-WebSocket-Version: 13\r\n'
UPGRADE = b'Upgrade: websocket\r\nConnection: Upgrade\r\n'


def request(line, *fields):
    return line + b'\r\nHost: a.test\r\n' + b''.join(fields) + b'\r\n'


def upgrade(*fields, target=b'/'):
    return request(b'GET ' + target + b' HTTP/1.1', UPGRADE, *fields)


def handshakes():
    requests = {
        'plain': upgrade(KEY, VERSION),
        'subprotocols': upgrade(KEY, VERSION, b'Sec-WebSocket-Protocol: mqtt, chat\r\nSec-WebSocket-Protocol: x\r\n'),
        'repeated_subprotocol': upgrade(KEY, VERSION, b'Sec-WebSocket-Protocol: mqtt,, mqtt\r\n'),
        'known_from_old': b'GET ws://echo.websocket.org/?encoding=text HTTP/1.1\r\nOrigin: http://websocket.org\r\nCookie: __utma=99as\r\n'
                          b'Connection: Upgrade\r\nHost: echo.websocket.org\r\nSec-WebSocket-Key: uRovscZjNol/umbTt5uKmw==\r\n'
                          b'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n',
        'two_keys': upgrade(KEY, KEY, VERSION),
        'short_key': upgrade(b'Sec-WebSocket-Key: dGhl\r\n', VERSION),
        'version_8': upgrade(KEY, b'Sec-WebSocket-Version: 8\r\n'),
        'post': request(b'POST / HTTP/1.1', UPGRADE, KEY, VERSION),
        'body': upgrade(KEY, VERSION, b'Content-Length: 4\r\n') + b'body',
        'http_1_0': b'GET / HTTP/1.0\r\n' + UPGRADE + KEY + VERSION + b'\r\n',
        'no_upgrade': request(b'GET / HTTP/1.1', KEY, VERSION),
    }
    write('handshake', {name: bytes([i % 3]) + text for i, (name, text) in enumerate(requests.items())})
    two_keys = b'Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nSec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n'
    drafts = {
        'hixie76': upgrade(two_keys, b'Sec-WebSocket-Protocol: mqtt\r\nOrigin: http://a.test\r\n') + b'^n:ds[4U',
        'hixie76_cut': upgrade(two_keys) + b'^n:ds',
        'hixie76_bad_key': upgrade(two_keys.replace(b'12998', b'12997')) + b'^n:ds[4U',
        'hixie75': upgrade(b'WebSocket-Protocol: mqtt\r\nOrigin: http://a.test\r\n'),
        'hybi08': upgrade(KEY, b'Sec-WebSocket-Version: 8\r\nSec-WebSocket-Origin: http://a.test\r\nSec-WebSocket-Protocol: x, mqtt\r\n'),
    }
    write('handshake', {name: bytes([129 + i % 3]) + text for i, (name, text) in enumerate(drafts.items())})
    write('extensions', {
        'plain': bytes(4) + b'permessage-deflate',
        'browser': bytes([0, 63, 0, 63]) + b'permessage-deflate; client_max_window_bits',
        'everything': bytes([3, 10, 1, 20]) + b'permessage-deflate; server_no_context_takeover; client_no_context_takeover; '
                                              b'server_max_window_bits=10; client_max_window_bits="9"',
        'fallbacks': bytes([0, 63, 2, 8]) + b'permessage-deflate; server_max_window_bits=7, permessage-deflate; unknown, permessage-deflate',
        'others': bytes([0, 63, 0, 63]) + b'x-webkit-deflate-frame, , foo; bar="b\\az"; bar',
        'repeated': bytes([0, 0, 3, 63]) + b'permessage-deflate; server_no_context_takeover; server_no_context_takeover',
        'valued_flag': bytes([0, 0, 3, 63]) + b'permessage-deflate; client_no_context_takeover=1',
        'unclosed': bytes([0, 0, 3, 63]) + b'permessage-deflate; client_max_window_bits="1',
    })


def hixie():
    text = b'\0' + UTF8 + b'\xff'
    write('hixie', {
        'texts': bytes([0, 3]) + text + b'\0\xff' + text,
        'cut_text': bytes([4, 3]) + text + b'\0half',
        'reserved': bytes([0, 1]) + b'\x01x\xff\x80\x03\xff\0\xff\xff\x80\x82\x01' + bytes(257) + text,
        'closing': bytes([0, 7]) + text + b'\xff\0' + text,
        'closing_in_75': bytes([5, 7]) + text + b'\xff\0' + text,
        'long_length': bytes([0, 9]) + b'\x80' + b'\xff' * 9 + b'\x7f' + text,
        'not_utf8': bytes([0, 9]) + b'\0\xc0\xaf\xff',
        'to_client': bytes([2, 3]) + frame(TEXT, UTF8, mask=None) + frame(TEXT, b'one', fin=False, mask=None)
                     + frame(PING, b'p', mask=None) + frame(0, b'two', mask=None) + close(1001, b'bye', mask=None),
        'to_client_75': bytes([3, 3]) + frame(TEXT, UTF8, mask=None) + close(1000, mask=None) + frame(TEXT, b'late', mask=None),
        'to_client_binary': bytes([2, 5]) + frame(BINARY, b'\xff\0', mask=None) + frame(TEXT, b'x', mask=None) + close(1003, mask=None),
        'to_client_not_utf8': bytes([2, 5]) + frame(TEXT, b'ok', fin=False, mask=None) + frame(0, b'a\xff\0', mask=None),
        'to_client_masked': bytes([2, 5]) + frame(TEXT, b'x'),
        'close_within_text': bytes([2, 5]) + frame(TEXT, b'half', fin=False, mask=None) + close(1000, mask=None),
    })


def raw_deflate(data, level=9, bits=15):
    engine = zlib.compressobj(level, zlib.DEFLATED, -bits)
    return (engine.compress(data) + engine.flush(zlib.Z_SYNC_FLUSH))[:-4]


def deflate():
    def compress(first, second, cut, *messages):
        data = bytes([0, first, second, cut])
        for message, times in messages:
            data += bytes([len(message), 1]) + message + bytes([times - 1])
        return data

    def inflate(first, second, cut, *payloads):
        data = bytes([1, first, second, cut])
        for payload in payloads:
            payload += bytes(-len(payload) % 4) if len(payload) % 4 else b''
            data += bytes([len(payload) // 4]) + payload
        return data

    hello = bytes.fromhex('f248cdc9c90700')
    bomb = raw_deflate(bytes(60000))
    write('deflate', {
        'messages': compress(7, 0, 3, (b'Hello', 1), (b'Hello', 1), (UTF8, 4)),
        'no_takeover': compress(7, 1, 9, (b'Hello', 2), (b'Hello', 2)),
        'window_8': compress(0, 0, 5, (bytes(range(200)), 8), (bytes(range(200)), 8)),
        'window_9': compress(1 | 5 << 3, 6, 5, (bytes(range(255)), 8)),
        'small_room': compress(4, 0, 1, (b'abc', 12)),
        'empty_messages': compress(7, 6, 0, (b'', 1), (b'', 1), (b'x', 1)),
        'hello_in': inflate(7, 6, 2, hello + b'\0'),
        'hello_twice': inflate(7, 6, 2, hello + b'\0', bytes.fromhex('f200110000') + b'\0\0\0'),
        'stored': inflate(7, 2, 0, bytes.fromhex('000500faff48656c6c6f00') + b'\0'),
        'final_block': inflate(7, 6, 0, bytes.fromhex('f348cdc9c9070000')),
        'bomb': inflate(7, 6, 0, bomb),
        'bomb_byte_by_byte': inflate(0, 0, 200, bomb),
        'bad_block_type': inflate(7, 6, 1, b'\x07\0\0\0'),
        'far_distance': inflate(7, 6, 1, bytes.fromhex('4b04a200') + raw_deflate(b'abc')[:3] + b'\0'),
        'broken_off': inflate(7, 6, 1, raw_deflate(b'some words that go on' * 3)[:8]),
    })


def http():
    write('chunk_scanner', {
        'two_chunks': b'\x03' + b'5\r\nhello\r\n6\r\n world\r\n0\r\n',
        'extensions': b'\x05' + b'5;a=b;c="d\\"e" ; f\r\nhello\r\n0;last\r\n',
        'upper_hex': b'\x01' + b'A\r\n0123456789\r\n000\r\n',
        'bare_lf': b'\x02' + b'5\nhello\n0\n',
        'no_crlf_behind': b'\x02' + b'5\r\nhelloX\r\n0\r\n',
        'huge': b'\x02' + b'FFFFFFFFFFFFFFFFF\r\n',
        'sign': b'\x02' + b'+5\r\nhello\r\n',
        'prefix': b'\x02' + b'0x5\r\nhello\r\n',
        'space': b'\x02' + b'5 \r\nhello\r\n0\r\n',
        'padding': b'\x82' + b'5 \t\r\nhello\r\n0    \r\n',
        'most_padding': b'\x82' + b'5' + b' ' * 64 + b'\r\nhello\r\n0\r\n',
        'too_much_padding': b'\x82' + b'5' + b' ' * 65 + b'\r\nhello\r\n0\r\n',
        'empty_size': b'\x02' + b'\r\n',
    })
    targets = {
        'origin_form': b'/a/b?c=d&e',
        'absolute_form': b'ws://echo.websocket.org/?encoding=text\necho.websocket.org:80',
        'asterisk': b'*',
        'dots': b'/a/./b/../../c/..',
        'encoded_dots': b'/a/%2e%2E/b/%2e',
        'encoded_slash': b'/a%2Fb/%2f..%2f%00',
        'up_and_out': b'/../../etc/passwd',
        'ipv6': b'http://[::1]:8080/x\n[::1]:8080',
        'other_host': b'http://a.test/\nb.test',
        'userinfo': b'http://a.test@b.test/\nb.test',
        'bad_escape': b'/%4',
        'query_escapes': b'/?enc%6Fding=a+b%20c&encoding=x&&=',
        'double_slash': b'//a//b/',
        'port': b'/\na.test:65536',
    }
    write('target', {name: bytes([1 if name == 'asterisk' else 0]) + text for name, text in targets.items()})
    requests = {
        'get': request(b'GET /a?b HTTP/1.1', b'Accept: */*\r\n'),
        'pipelined': request(b'GET /1 HTTP/1.1') + request(b'GET /2 HTTP/1.1') + request(b'GET /3 HTTP/1.1', b'Connection: close\r\n'),
        'length': request(b'POST / HTTP/1.1', b'Content-Length: 5\r\n') + b'hello' + request(b'GET / HTTP/1.1'),
        'chunked': request(b'PUT / HTTP/1.1', b'Transfer-Encoding: chunked\r\n') + b'5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n',
        'expect': request(b'POST / HTTP/1.1', b'Expect: 100-continue\r\nContent-Length: 2\r\n') + b'ok',
        'upgrade': upgrade(KEY, VERSION) + frame(TEXT, b'early'),
        'http_1_0': b'GET / HTTP/1.0\r\n\r\n',
        'keep_alive_1_0': b'GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n',
        'both_lengths': request(b'POST / HTTP/1.1', b'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n') + b'0\r\n\r\n',
        'two_lengths': request(b'POST / HTTP/1.1', b'Content-Length: 5\r\nContent-Length: 6\r\n') + b'hello!',
        'length_list': request(b'POST / HTTP/1.1', b'Content-Length: 5, 5\r\n') + b'hello',
        'obfuscated_te': request(b'POST / HTTP/1.1', b'Transfer-Encoding: xchunked\r\n'),
        'te_twice': request(b'POST / HTTP/1.1', b'Transfer-Encoding: chunked, chunked\r\n') + b'0\r\n\r\n',
        'folding': request(b'GET / HTTP/1.1', b'A: b\r\n c\r\n'),
        'bare_lf': b'GET / HTTP/1.1\nHost: a\n\n',
        'bare_cr': request(b'GET / HTTP/1.1', b'A: b\rc\r\n'),
        'space_before_colon': request(b'GET / HTTP/1.1', b'Content-Length : 5\r\n'),
        'nul': request(b'GET / HTTP/1.1', b'A: \0\r\n'),
        'two_hosts': request(b'GET / HTTP/1.1', b'Host: b\r\n'),
        'absolute': request(b'GET http://a.test/x HTTP/1.1'),
        'connect': request(b'CONNECT a.test:443 HTTP/1.1'),
        'options': request(b'OPTIONS * HTTP/1.1'),
        'empty_lines': b'\r\n\r\n' + request(b'GET / HTTP/1.1'),
        'many_headers': request(b'GET / HTTP/1.1', b'A: b\r\n' * 8),
        'named_in_connection': request(b'GET / HTTP/1.1', b'Connection: x, host, content-length\r\nX: y\r\n'),
    }
    write('http_request', {name: bytes([i % 16, 7 * i % 256]) + text for i, (name, text) in enumerate(requests.items())} | {
        'upgrade_taken': bytes([3, 12]) + requests['upgrade'], 'chunked_streamed': bytes([2, 5]) + requests['chunked']})
    ok = b'HTTP/1.1 200 OK\r\n'
    answers = {
        'length': ok + b'Content-Length: 5\r\n\r\nhello',
        'chunked': ok + b'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n',
        'to_the_end': ok + b'\r\nall of it',
        'interim': b'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n' + ok + b'Content-Length: 0\r\n\r\n',
        'no_content': b'HTTP/1.1 204 No Content\r\n\r\n' + ok + b'Content-Length: 1\r\n\r\nx',
        'not_modified': b'HTTP/1.1 304 Not Modified\r\nContent-Length: 50\r\n\r\n',
        'switch': b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n' + frame(TEXT, b'early', mask=None),
        'unasked_switch': b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
        'http_1_0': b'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok',
        'both_lengths': ok + b'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        'two_lengths': ok + b'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
        'garbage_behind': ok + b'Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n',
        'too_many_interims': b'HTTP/1.1 100 Continue\r\n\r\n' * 4 + ok + b'\r\n',
        'no_reason': b'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n',
        'not_http': b'SSH-2.0-OpenSSH\r\n',
        'folding': ok + b'A: b\r\n c\r\n\r\n',
    }
    write('http_response', {f'{name}_{kind}': bytes([flags, 11]) + text for name, text in answers.items()
                            for kind, flags in {'get': 8, 'upgrade': 3}.items()
                            if kind == 'get' or 'switch' in name} | {
        'head': bytes([1, 3]) + answers['length'].removesuffix(b'hello'),
        'post': bytes([2, 3]) + answers['interim'],
        'small_limits': bytes([4, 3]) + answers['too_many_interims'],
    })
    origins = {
        'none': (1, b''),
        'listed': (1, b'Origin: https://a.test\r\n'),
        'subdomain': (1, b'Origin: https://x.b.test:8443\r\n'),
        'look_alike': (1, b'Origin: https://xb.test:8443\r\n'),
        'same': (0, b'Origin: http://a.test\r\n'),
        'same_tls': (8, b'Origin: https://a.test:443\r\n'),
        'any': (2, b'Origin: http://evil.test\r\n'),
        'null': (3, b'Origin: null\r\n'),
        'repeated': (3, b'Origin: http://a.test\r\nOrigin: http://b.test\r\n'),
        'malformed': (2, b'Origin: http://user@a.test/path\r\n'),
        'ipv6': (3, b'Origin: http://[0:0::1]:3000\r\n'),
        'forwarded': (4, b'Origin: https://outer.test\r\nX-Forwarded-For: 1.2.3.4, 10.0.0.1\r\nX-Forwarded-Proto: https\r\n'
                         b'X-Forwarded-Host: x, outer.test\r\n'),
    }
    preflight = b'Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-one, content-type\r\n'
    write('origin', {name: bytes([flags]) + request(b'GET / HTTP/1.1', fields) for name, (flags, fields) in origins.items()} | {
        f'preflight_{name}': bytes([flags]) + request(b'OPTIONS / HTTP/1.1', fields, preflight)
        for name, (flags, fields) in origins.items() if name in ('listed', 'any', 'null', 'look_alike')})
    gets = {
        'index': (0, b'/', b''),
        'file': (0, b'/a.txt', b'Range: bytes=0-4\r\n'),
        'ranges': (0, b'/a.txt', b'Range: bytes=0-4, 10-20,-5\r\n'),
        'overlap': (0, b'/a.txt', b'Range: bytes=0-9,5-14\r\n'),
        'unsatisfiable': (0, b'/a.txt', b'Range: bytes=999-\r\n'),
        'packed': (4, b'/a.txt', b'Accept-Encoding: br;q=0.5, gzip\r\n'),
        'fallback': (8, b'/nowhere', b'Accept: text/html;q=0.9\r\n'),
        'folder': (0, b'/b?x', b''),
        'prefix': (1, b'/files/b/c.css', b''),
        'exact': (2, b'/', b'If-None-Match: W/"x", *\r\n'),
        'regex': (3, b'/in', b'If-Modified-Since: Sun, 13 Sep 2020 12:26:40 GMT\r\n'),
        'old_dates': (0, b'/a.txt', b'If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\nIf-Unmodified-Since: Sun Nov  6 08:49:37 1994\r\n'),
        'if_range': (0, b'/a.txt', b'Range: bytes=1-\r\nIf-Range: "134-5f5e100-0"\r\n'),
        'hidden': (0, b'/.hidden', b''),
        'well_known': (0, b'/.well-known/x', b''),
        'out': (0, b'/out', b''),
        'up': (0, b'/up/secret.txt', b''),
        'absolute_link': (0, b'/abs', b''),
        'encoded': (0, b'/%2e%2e%2fsecret.txt', b''),
        'dots': (0, b'/b/..%2f../secret.txt', b''),
    }
    write('files', {name: bytes([flags]) + request(b'GET ' + path + b' HTTP/1.1', fields) for name, (flags, path, fields) in gets.items()})
    goals = [b'/old/x', b'/old/a%2fb?q=1', b'//evil.test/x', b'/old//evil.test', b'/old', b'/', b'http://a.test:81//x?y', b'/old/../%5c']
    write('redirect', {f'rule_{i}_{j}': bytes([2 * i + j % 2]) + request(b'GET ' + goal + b' HTTP/1.1')
                       for j, goal in enumerate(goals) for i in [(j * 3) % 7, 4]} | {
        'no_host': bytes([12]) + b'GET /old/x HTTP/1.0\r\n\r\n', 'asterisk': bytes([10]) + request(b'OPTIONS * HTTP/1.1')})


def configs():
    root = pathlib.Path(__file__).resolve().parents[2]
    example = (root / 'deploy/upgate.example.yaml').read_bytes()
    # Without its comments, which only slow a fuzzer down.
    lines = [line.split(b' #')[0].rstrip() for line in example.split(b'\n') if not line.lstrip().startswith(b'#')]
    small = b'listeners: [{address: "127.0.0.1:80"}]\n'
    write('config', {
        'example': b'\n'.join(line for line in lines if line) + b'\n',
        'smallest': small + b'routes: [{path: /echo, plugin: echo}]\n',
        'unknown_key': small + b'routes:\n  - path: /echo\n    plugn: echo\n',
        'repeated_key': small + b'routes: [{path: /a, plugin: echo, path: /b}]\n',
        'environment': small + b'backends: {a: {servers: ["tcp://${HOST}:${PORT:-80}"]}}\nroutes: [{path: "/${YAML}", backend: a}]\n',
        'aliases': b'a: &a [x, x]\nb: &b [*a, *a]\nlisteners: *b\n',
        'regex': small + b'routes: [{path: "~^/v[0-9]+/(", plugin: echo}, {path: "~a", plugin: echo}]\n',
        'scalars': small + b'http: {head_size: 1MiB, headers: -1, head_timeout: 10x}\nworkers: 1e9\nroutes: []\n',
        'tabs': b'listeners:\n\t- address: x\n',
        'unclosed': b'listeners: ["x\nroutes: {\n',
        'two_documents': small + b'---\nroutes: []\n',
        'empty': b'',
        'not_utf8': b'listeners: \xff\n',
        'servers': small + b'backends: {a: {servers: [tcp://a:1, ws://b:2]}, b: {servers: []}}\nroutes: [{path: /, backend: c}]\n',
        'cors': small + b'routes: [{path: /, plugin: echo, cors: {allow_origins: ["https://*.a.test", "x", "*"], max_age: 1h}}]\n',
    })


# Steps of the gateway's script; see World::Play.
def connect():
    return bytes([0])


def client(step, *arguments, who=0):
    return bytes([step, who, *arguments])


def client_raw(data, who=0):
    return client(1, len(data), who=who) + data


def client_upgrade(target, extra=0, who=0, draft=0):
    return client(2, target, extra, draft, who=who)


def client_frame(first, payload, who=0):
    return client(3, first, len(payload), who=who) + payload


def server(step, *arguments, which=0, peer=0):
    return bytes([8 + step, which, peer, *arguments])


def server_raw(data, which=0):
    return server(0, len(data), which=which) + data


def server_frame(first, payload, which=2):
    return server(2, first, len(payload), which=which) + payload


def after(quarters):
    return bytes([14, quarters - 1])


def sessions():
    body = struct.pack('>H', 1000) + b'bye'
    scripts = {
        'echo': connect() + client_upgrade(0) + client_frame(1, b'hello') + client_frame(9, b'ping') + client_frame(8, body),
        'echo_fragments': connect() + client_upgrade(0) + client_frame(0x81, b'a') + client_frame(0x80, b'b') + client_frame(0, b'c'),
        'echo_too_big': connect() + client_upgrade(0) + client_frame(0x42, b'x' * 50),
        'echo_compressed': connect() + client_upgrade(0, 4) + client_frame(0x21, bytes.fromhex('f248cdc9c90700')),
        'echo_takeover': connect() + client_upgrade(0, 4) + client_frame(0x21, bytes.fromhex('f248cdc9c90700'))
                         + client_frame(0x21, bytes.fromhex('f200110000')) + client_frame(1, b'Hello Hello Hello'),
        'echo_bomb': connect() + client_upgrade(0, 4) + client_frame(0x22, raw_deflate(bytes(100000))),
        'echo_corrupt': connect() + client_upgrade(0, 4) + client_frame(0x21, b'\x07\xff'),
        'tcp_compressed': connect() + client_upgrade(2, 4) + client_frame(0x22, bytes.fromhex('f248cdc9c90700'))
                          + server_raw(b'x' * 200) + server_frame(0x42, b'z' * 50, which=0),
        'room_compressed': connect() + connect() + client_upgrade(1, 4) + client_upgrade(1, who=1)
                           + client_frame(1, b'a message for both', who=1) + client_frame(0x21, bytes.fromhex('f248cdc9c90700')),
        'hybi08': connect() + client_upgrade(0, draft=1) + client_frame(1, b'hello') + client_frame(8, body),
        'hixie76': connect() + client_upgrade(2, draft=2) + client_raw(b'\0text\xff') + server_raw(b'back') + client_raw(b'\xff\0'),
        'hixie76_echo': connect() + client_upgrade(0, draft=2) + client_raw(b'\0' + UTF8) + client_raw(b'\xff\x80\x03abc\0\xc3\xff'),
        'hixie75': connect() + client_upgrade(1, draft=3) + client_raw(b'\0tea\xff') + client(5),
        'hixie76_base64': connect() + client_upgrade(4, draft=2) + client_raw(b'\0aGVsbG8=\xff') + server_raw(bytes(range(9))),
        'hixie76_ws': connect() + client_upgrade(6, draft=2) + server(1, 0, which=2) + client_raw(b'\0there\xff')
                      + server_frame(1, b'back') + server_frame(9, b'ping') + server_frame(2, b'no') + server_frame(8, body),
        'hixie76_stalled': connect() + client_upgrade(2, draft=2) + server(5, 1) + client_raw(b'\0' + b'z' * 240 + b'\xff') * 6 + after(200),
        'echo_stalled': connect() + client_upgrade(0) + client(7, 1) + client_frame(0x42, b'x' * 40) * 20 + client(7, 0),
        'room': connect() + connect() + client_upgrade(1) + client_upgrade(1, who=1) + client_frame(1, b'tea') + client(4, 3)
                + client(7, 1, who=1) + client_frame(0x42, b'y' * 30) * 4,
        'room_post': connect() + connect() + client_upgrade(1) + client(4, 3, who=1),
        'tcp': connect() + client_upgrade(2, 3) + client_frame(2, b'to the server') + server_raw(b'back') + client_frame(8, body)
               + server(3) + after(8),
        'tcp_text': connect() + client_upgrade(3) + server_raw(UTF8[:7]) + server_raw(UTF8[7:]) + server_raw(b'\xff'),
        'tcp_base64': connect() + client_upgrade(4) + client_frame(1, b'aGVsbG8=') + server_raw(b'hello') + server(4, 0),
        'tcp_refused': bytes([16, 0, 1, 16, 1, 1]) + connect() + client_upgrade(2),
        'tcp_hangs': bytes([16, 0, 0, 16, 1, 0]) + connect() + client_upgrade(2) + after(40) + client(5),
        'tcp_stalled_server': connect() + client_upgrade(2) + server(5, 1) + client_frame(0x42, b'z' * 40) * 20 + after(200),
        'tcp_server_leaves': connect() + client_upgrade(2) + server_raw(b'last words') + server(3) + client_frame(8, body),
        'four_are_too_many': connect() * 4 + b''.join(client_upgrade(2, who=i) for i in range(4)),
        'cors': connect() + client_upgrade(5, 1) + client_frame(1, UTF8),
        'foreign_origin': connect() + client_upgrade(2, 1),
        'ws': connect() + client_upgrade(6, 4) + server(1, 0, which=2) + client_frame(1, b'there') + server_frame(1, b'back')
              + client_frame(8, body) + server_frame(8, body),
        'ws_bad_answer': connect() + client_upgrade(6) + server(1, 1, which=2),
        'ws_server_lost': connect() + client_upgrade(6) + server(1, 0, which=2) + server_frame(0x81, b'half') + server(4, 0, which=2),
        'ws_never_answers': connect() + client_upgrade(6) + after(255),
        'http_get': connect() + client(4, 0) + server(1, 1, which=3) + client(4, 0) + server(1, 2, which=3) + server(1, 3, which=3),
        'http_post': connect() + client(4, 1) + server(1, 4, which=3) + client_raw(b'0123456789') + server(1, 5, which=3) + server(3, which=3),
        'http_cut': connect() + client(4, 0) + server(1, 2, which=3) + server(4, 1, which=3),
        'http_upgrade': connect() + client_upgrade(7) + server(1, 0, which=3) + client_frame(1, b'x'),
        'http_head_1_0': connect() + client(4, 4) + server(1, 6, which=3),
        'http_client_leaves': connect() + client(4, 2) + client(6, 0) + after(4),
        'pool': connect() * 3 + b''.join(client(4, 0, who=i) for i in range(3)) + server(1, 1, which=3) + after(100) + client(4, 0),
        'preflight': connect() + client(4, 5),
        'redirect': connect() + client_upgrade(8),
        'stats': connect() + client_upgrade(9) + client_frame(1, b''),
        'slow_head': connect() + client_raw(b'GET / HT') + after(60),
        'garbage': connect() + client_raw(b'\x16\x03\x01\x02\x00\x01\x00'),
        'idle': connect() + client_upgrade(0) + after(255) + after(255),
        'failures': connect() + bytes([15, 0, 4]) + client_upgrade(2) + client_frame(2, b'x') + server_raw(b'y'),
        # Appended at the end, because settings are chosen by position.
        'strict': connect() + client_upgrade(10) + server(1, 0, which=4) + client_frame(1, UTF8) + client_frame(9, b'ping')
                  + server_frame(1, UTF8, which=4) + server_frame(9, b'ping', which=4) + client_frame(8, body) + server_frame(8, body, which=4),
        'strict_fragments': connect() + client_upgrade(10) + server(1, 0, which=4) + client_frame(0x81, UTF8[:7]) + client_frame(9, b'')
                            + server_frame(0x82, b'a', which=4) + client_frame(0, UTF8[7:]) + server_frame(0x80, b'b', which=4)
                            + server_frame(0, b'c', which=4) + server_frame(8, body, which=4) + client_frame(8, body) + server(3, which=4),
        'strict_server_masks': connect() + client_upgrade(10) + server(1, 0, which=4) + server_raw(frame(TEXT, b'x'), which=4),
        'strict_server_not_utf8': connect() + client_upgrade(10) + server(1, 0, which=4) + server_frame(0x81, b'caf\xc3', which=4)
                                  + server_frame(0, b'x', which=4),
        'strict_server_too_big': connect() + client_upgrade(10) + server(1, 0, which=4) + server_frame(0x42, b'x' * 50, which=4),
        'strict_server_lost': connect() + client_upgrade(10) + server(1, 0, which=4) + server_frame(0x81, b'half', which=4)
                              + server(4, 1, which=4) + client_frame(8, body),
        'strict_client_lost': connect() + client_upgrade(10) + server(1, 0, which=4) + client_frame(0x82, b'half') + client(6, 0)
                              + server_frame(1, b'late', which=4) + after(60),
        'strict_closes_cross': connect() + client_upgrade(10) + server(1, 0, which=4) + server(5, 1, which=4) + client_frame(8, body)
                               + server_frame(8, body, which=4) + server(5, 0, which=4) + after(80),
        'strict_silent': connect() + client_upgrade(10) + server(1, 0, which=4) + client_frame(8, body) + after(255),
        'strict_half_closed': connect() + client_upgrade(10) + server(1, 0, which=4) + server(3, which=4) + client_frame(1, b'x') + client(5),
        'strict_stalled': connect() + client_upgrade(10) + server(1, 0, which=4) + server(5, 1, which=4)
                          + client_frame(0x42, b'z' * 40) * 20 + after(200) + server(5, 0, which=4),
        'strict_client_deflates': connect() + client_upgrade(11, 4) + server(1, 0, which=4) + client_frame(0x21, bytes.fromhex('f248cdc9c90700'))
                                  + server_frame(0x81, b'one ', which=4) + server_frame(0, b'two', which=4)
                                  + client_frame(0x22, raw_deflate(bytes(100000))),
        'strict_server_deflates': connect() + client_upgrade(12) + server(1, 7, 0x21, 7, which=4) + bytes.fromhex('f248cdc9c90700')
                                  + client_frame(1, b'Hello Hello Hello') * 2 + server_frame(0x21, bytes.fromhex('f200110000'), which=4)
                                  + server_frame(8, body, which=4) + client_frame(8, body),
        'strict_both_deflate': connect() + client_upgrade(12, 4) + server(1, 8, 1, 5, which=4) + b'first'
                               + client_frame(0x21, bytes.fromhex('f248cdc9c90700')) + client_frame(9, b'') + client_frame(1, b'as it is')
                               + server_frame(0x21, bytes.fromhex('f248cdc9c90700'), which=4) + client_frame(0xa2, b'\x62') + client_frame(0, b'\0'),
        'strict_server_bomb': connect() + client_upgrade(12, 4) + server(1, 7, 1, 1, which=4) + b'x'
                              + server_frame(0x22, raw_deflate(bytes(100000)), which=4),
        'strict_server_corrupt': connect() + client_upgrade(12, 4) + server(1, 7, 1, 1, which=4) + b'x' + server_frame(0x21, b'\x07\xff', which=4),
        'strict_not_asked': connect() + client_upgrade(10) + server(1, 7, 1, 1, which=4) + b'x',
        'strict_refused': connect() + client_upgrade(12, 4) + server(1, 1, which=4),
        'strict_hixie76': connect() + client_upgrade(12, draft=2) + server(1, 7, 0x21, 7, which=4) + bytes.fromhex('f248cdc9c90700')
                          + client_raw(b'\0there\xff') + server_frame(2, b'no', which=4),
        'strict_hybi08': connect() + client_upgrade(10, draft=1) + server(1, 0, which=4) + client_frame(1, b'x') + client_frame(8, body),
    }
    write('gateway', {name: bytes([i * 11 % 64]) + script for i, (name, script) in enumerate(scripts.items())})


def proxy_headers():
    def v2(command, family, body):
        return b'\r\n\r\n\0\r\nQUIT\n' + bytes([command, family]) + struct.pack('>H', len(body)) + body

    def tlv(kind, value):
        return bytes([kind]) + struct.pack('>H', len(value)) + value

    v4 = bytes([192, 0, 2, 7, 203, 0, 113, 1]) + struct.pack('>HH', 5555, 443)
    v6 = bytes(15) + b'\1' + bytes(15) + b'\2' + struct.pack('>HH', 1, 2)
    tls = b'\1' + bytes(4) + tlv(0x21, b'TLSv1.3') + tlv(0x22, b'alice') + tlv(0x23, b'TLS_AES_128_GCM_SHA256')
    headers = {
        'v1_tcp4': b'PROXY TCP4 192.0.2.7 203.0.113.1 5555 443\r\nGET / HTTP/1.1\r\n',
        'v1_tcp6': b'PROXY TCP6 2001:db8::1 ::1 1 65535\r\n',
        'v1_unknown': b'PROXY UNKNOWN what ever\r\nrest',
        'v1_no_end': b'PROXY TCP4 ' + b'1' * 120,
        'v2_tcp4': v2(0x21, 0x11, v4) + b'rest',
        'v2_tcp6_tlvs': v2(0x21, 0x21, v6 + tlv(1, b'http/1.1') + tlv(2, b'a.example') + tlv(5, b'id') + tlv(0x20, tls)),
        'v2_unix': v2(0x21, 0x31, b'/run/a.sock'.ljust(108, b'\0') + b'/run/b.sock'.ljust(108, b'\0')),
        'v2_local': v2(0x20, 0, b''),
        'v2_unspec': v2(0x21, 0, b'any'),
        'v2_wrong_crc': v2(0x21, 0x11, v4 + tlv(3, bytes(4))),
        'v2_long_tlv': v2(0x21, 0x11, v4 + tlv(4, bytes(300))),
        'v2_cut_tlv': v2(0x21, 0x11, v4 + b'\4\0'),
        'request': b'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    }
    write('proxy_header', {name: bytes([i * 37 % 256]) + header for i, (name, header) in enumerate(headers.items())})


def authenticators():
    hs256 = b'{"alg":"HS256","typ":"JWT"}\n'
    claims = {
        'plain': b'{"sub":"alice"}',
        'times': b'{"sub":"alice","exp":1700000100.5,"nbf":1699999999,"iat":1}',
        'expired': b'{"sub":"alice","exp":1}',
        'exp_of_text': b'{"exp":"1"}',
        'parties': b'{"iss":"me","aud":["there","here"],"realm":{"user":"bob"}}',
        'required': b'{"scope":"read write","a":{"b":["c"]},"n":1e300}',
        'twice': b'{"sub":"a","sub":"b"}',
        'deep': b'[' * 40,
        'controls': b'{"sub":"a\\u0000\\r\\nb"}',
        'forms': rb'{"\u0073ub":"\ud83d\ude00\"\\\/\b\f\u00e9","n":-1.50e+2,"big":18446744073709551616,"x":[null,true,false,-0]}',
        'many': json.dumps({f'c{i}': i for i in range(70)}).encode(),
    }
    write('token', {f'signed_{name}': bytes([1 | (i % 16) << 1]) + hs256 + text
                    for i, (name, text) in enumerate(claims.items())})
    write('token', {
        'signed_none': b'\1{"alg":"none"}\n{}',
        'signed_crit': b'\1{"alg":"HS256","crit":["exp"]}\n{}',
        'signed_kid': b'\1{"alg":"HS256","kid":"../../etc/passwd"}\n{}',
        'unsigned': b'\0eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.',
        'forged': b'\0eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJyb290In0.AAAA',
        'dots': b'\0...',
        'keys': b'{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}',
        'keys_of_types': b'{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","key_ops":["verify"],'
                         b'"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},'
                         b'{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"EC","crv":"P-521","x":"AAAA","y":"AAAA"}]}',
        'keys_secret': b'{"keys":[{"kty":"oct","k":"AAAA"}]}',
    })
    bcrypt = b'$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy'
    write('htpasswd', {
        'users': b'# staff\n\nalice:' + bcrypt + b'\r\nbob:$6$salt$hash\n',
        'user_twice': b'alice:' + bcrypt + b'\nalice:$6$a$b\n',
        'weak': b'a:$apr1$x$y\n',
        'no_colon': b'alice\n',
        'tokens': b'ci: 0123456789abcdef\nrobot: fedcba9876543210\n',
        'token_short': b'ci: short\n',
    })
    answers = {
        'yes': b'HTTP/1.1 202 Accepted\r\nX-User: alice\r\nX-Email: a@example.com\r\nContent-Length: 0\r\n\r\n',
        'yes_without_end': b'HTTP/1.1 200 OK\r\n\r\nendless',
        'no': b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nConnection: X-Hop\r\nX-Hop: 1\r\n'
              b'Content-Length: 6\r\n\r\nlog in',
        'login': b'HTTP/1.1 302 Found\r\nLocation: https://id/\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ngo\r\n0\r\n\r\n',
        'broken': b'HTTP/1.1 500 Oops\r\n\r\n',
        'interim': b'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
        'upgrade': b'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
        'half': b'HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\nhalf',
        'garbage': b'\x15\x03\x03\0\2\2\x46',
    }
    write('forward_answer', {name: bytes([i * 37 % 256]) + answer for i, (name, answer) in enumerate(answers.items())})


def json_texts():
    texts = {
        'claims': b'{"exp":1700003600,"aud":["a","b"],"sub":"alice","realm":{"roles":["x"]},"ok":true,"no":false,"nil":null}',
        'numbers': b'[0,-0,-0.0,1e2,1E+2,1.50,1e-400,18446744073709551615,18446744073709551616,-9223372036854775809]',
        'too_large': b'[1e999]',
        'escapes': rb'["\"\\\/\b\f\n\r\t","\u0041\u00e9\u20AC\ud83d\ude00"]',
        'lone_surrogate': rb'["\ud800\u0041"]',
        'utf8': json.dumps(UTF8.decode(), ensure_ascii=False).encode(),
        'surrogate_in_utf8': b'"\xed\xa0\x80"',
        'mark': b'\xef\xbb\xbf {}',
        'name_twice': rb'{"a":1,"b":{"a":1},"\u0061":2}',
        'many_names': json.dumps({str(i): [i] for i in range(40)}).encode(),
        'deep': b'[' * 20 + b']' * 20,
        'spaces': b' { "a" :\t[\r\n1 , 2 ] } ',
        'nul': b'{}\0',
    }
    write('json', {name: bytes([19, 99]) + text for name, text in texts.items()})


def main():
    frames()
    bytes_tools()
    tunnel()
    handshakes()
    hixie()
    deflate()
    http()
    configs()
    sessions()
    proxy_headers()
    authenticators()
    json_texts()


if __name__ == '__main__':
    main()
