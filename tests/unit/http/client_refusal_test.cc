// Responses that a client connection treats as protocol errors, and truncated responses.

#include <string>

#include <gtest/gtest.h>

#include "tests/support/cases.h"
#include "tests/unit/http/client_wire.h"

namespace upgate::http {
namespace {

using namespace std::string_literals;

struct BadAnswer {
  const char* name;
  std::string bytes;
  const char* reason;
  std::string upgrade = {};
};

class ClientRefusalTest : public TestOfCase<BadAnswer> {};

TEST_EACH(ClientRefusalTest, FailsAtEveryChunkSize) {
  for (const std::size_t chunk : {1u, 2u, 3u, 7u, 4096u}) {
    SCOPED_TRACE(chunk);
    ClientWire wire(chunk);
    // The bytes that follow must never be parsed as a response.
    wire.Exchange(UpgradeTo(GetParam().upgrade),
                  GetParam().bytes + "HTTP/1.1 234 Smuggled\r\nContent-Length: 0\r\n\r\n");
    ASSERT_TRUE(wire.told().failed);
    EXPECT_EQ(wire.told().failed->code, Errc::kProtocol);
    EXPECT_NE(wire.told().failed->message.find(GetParam().reason), std::string::npos)
        << wire.told().failed->message;
    EXPECT_FALSE(wire.told().untouched);
    EXPECT_TRUE(!wire.told().head || wire.told().head->status == 200);
    EXPECT_FALSE(wire.reusable());
    EXPECT_FALSE(wire.reading());
    EXPECT_TRUE(wire.wire().reset);
  }
}

std::string OkHead(std::string_view fields) {
  return "HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\n";
}
std::string Line(std::string_view line) {
  return std::string(line) + "\r\nContent-Length: 0\r\n\r\n";
}
std::string Chunked(std::string_view body) {
  return OkHead("Transfer-Encoding: chunked\r\n") + std::string(body);
}
std::string Switch(std::string_view fields) {
  return "HTTP/1.1 101 Switching Protocols\r\n" + std::string(fields) + "\r\n";
}

INSTANTIATE_CASES(StatusLine, ClientRefusalTest,
                  BadAnswer{"NotHttp", Line("SSH-2.0-x"), "status line"},
                  BadAnswer{"TlsAlert", "\x15\x03\x03"s, "TLS"},
                  BadAnswer{"EmptyLine", "\r\n" + Line("HTTP/1.1 200 OK"), "status line"},
                  BadAnswer{"LeadingSpace", Line(" HTTP/1.1 200 OK"), "status line"},
                  BadAnswer{"Version20", Line("HTTP/2.0 200 OK"), "HTTP/1.1"},
                  BadAnswer{"Version09", Line("HTTP/0.9 200 OK"), "HTTP/1.1"},
                  BadAnswer{"Version12", Line("HTTP/1.2 200 OK"), "HTTP/1.1"},
                  BadAnswer{"Version2", Line("HTTP/2 200 OK"), "version"},
                  BadAnswer{"LongVersion", Line("HTTP/1.10 200 OK"), "version"},
                  BadAnswer{"OtherProtocol", Line("HTCPCP/1.0 200 OK"), "version"},
                  BadAnswer{"NoCode", Line("HTTP/1.1"), "malformed status line"},
                  BadAnswer{"NoCodeButSpace", Line("HTTP/1.1 "), "malformed status line"},
                  BadAnswer{"ShortCode", Line("HTTP/1.1 20 OK"), "malformed status line"},
                  BadAnswer{"LongCode", Line("HTTP/1.1 2000 OK"), "malformed status line"},
                  BadAnswer{"TwoSpaces", Line("HTTP/1.1  200 OK"), "malformed status line"},
                  BadAnswer{"Tab", Line("HTTP/1.1\t200 OK"), "version"},
                  BadAnswer{"TabBehind", Line("HTTP/1.1 200\tOK"), "malformed status line"},
                  BadAnswer{"SignedCode", Line("HTTP/1.1 +20 OK"), "malformed status line"},
                  BadAnswer{"Code099", Line("HTTP/1.1 099 OK"), "out of range"},
                  BadAnswer{"Code000", Line("HTTP/1.1 000 OK"), "out of range"},
                  BadAnswer{"Nul", Line("HTTP/1.1 200 O\0K"s), "NUL"},
                  BadAnswer{"Control", Line("HTTP/1.1 200 O\x01K"), "control"},
                  BadAnswer{"BareLf", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", "bare LF"},
                  BadAnswer{"BareCr", "HTTP/1.1 200 OK\rContent-Length: 0\r\n\r\n", "bare CR"});

INSTANTIATE_CASES(Fields, ClientRefusalTest,
                  BadAnswer{"BareLf", OkHead("A: b\nC: d\r\n"), "bare LF in the response head"},
                  BadAnswer{"BareLfEnd", "HTTP/1.1 200 OK\r\nA: b\r\n\n", "bare LF"},
                  BadAnswer{"BareCr", OkHead("A: b\rC: d\r\n"), "bare CR in the response head"},
                  BadAnswer{"CrCrLf", OkHead("A: b\r\r\n"), "bare CR"},
                  BadAnswer{"Folded", OkHead("A: b\r\n c\r\n"), "folded"},
                  BadAnswer{"FoldedTab", OkHead("A: b\r\n\tc\r\n"), "folded"},
                  BadAnswer{"FirstLineFolded", OkHead(" A: b\r\n"), "whitespace before"},
                  BadAnswer{"SpaceBeforeColon", OkHead("A : b\r\n"), "before its colon"},
                  BadAnswer{"TabBeforeColon", OkHead("A\t: b\r\n"), "before its colon"},
                  BadAnswer{"NoColon", OkHead("A\r\n"), "without a colon"},
                  BadAnswer{"EmptyName", OkHead(": b\r\n"), "empty header name"},
                  BadAnswer{"BadName", OkHead("A(: b\r\n"), "header name"},
                  BadAnswer{"NulInName", OkHead("A\0: b\r\n"s), "NUL"},
                  BadAnswer{"NulInValue", OkHead("A: b\0\r\n"s), "NUL in the response head"},
                  BadAnswer{"Control", OkHead("A: \x7f\r\n"), "control"});

INSTANTIATE_CASES(
    Framing, ClientRefusalTest,
    BadAnswer{"LengthAndCoding", OkHead("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"),
              "both"},
    BadAnswer{"CodingAndLength", OkHead("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n"),
              "both"},
    BadAnswer{"TwoLengths", OkHead("Content-Length: 2\r\nContent-Length: 3\r\n"), "repeated"},
    BadAnswer{"ThreeLengths",
              OkHead("Content-Length: 2\r\nContent-Length: 2\r\nContent-Length: 3\r\n"),
              "repeated"},
    BadAnswer{"EqualNumbers", OkHead("Content-Length: 2\r\nContent-Length: 02\r\n"), "repeated"},
    BadAnswer{"OneEmpty", OkHead("Content-Length:\r\nContent-Length: 2\r\n"), "Content-Length"},
    BadAnswer{"OtherEmpty", OkHead("Content-Length: 2\r\nContent-Length:\r\n"), "repeated"},
    BadAnswer{"SameSigned", OkHead("Content-Length: +2\r\nContent-Length: +2\r\n"),
              "Content-Length"},
    BadAnswer{"SameLengthsAndCoding",
              OkHead("Content-Length: 2\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n"),
              "repeated"},
    BadAnswer{"ListedLengths", OkHead("Content-Length: 2, 3\r\n"), "Content-Length"},
    BadAnswer{"ListedAndOther", OkHead("Content-Length: 2, 2\r\nContent-Length: 3\r\n"),
              "Content-Length"},
    BadAnswer{"CommaBehind", OkHead("Content-Length: 2,\r\n"), "Content-Length"},
    BadAnswer{"CommaBefore", OkHead("Content-Length: ,2\r\n"), "Content-Length"},
    BadAnswer{"SpacesBetween", OkHead("Content-Length: 2 2, 2 2\r\n"), "Content-Length"},
    BadAnswer{"Plus", OkHead("Content-Length: +2\r\n"), "Content-Length"},
    BadAnswer{"Minus", OkHead("Content-Length: -2\r\n"), "Content-Length"},
    BadAnswer{"Hex", OkHead("Content-Length: 0x2\r\n"), "Content-Length"},
    BadAnswer{"Empty", OkHead("Content-Length:\r\n"), "Content-Length"},
    BadAnswer{"Inner", OkHead("Content-Length: 2 2\r\n"), "Content-Length"},
    BadAnswer{"Huge", OkHead("Content-Length: 18446744073709551616\r\n"), "Content-Length"},
    BadAnswer{"Gzip", OkHead("Transfer-Encoding: gzip\r\n"), "exactly chunked"},
    BadAnswer{"GzipChunked", OkHead("Transfer-Encoding: gzip, chunked\r\n"), "exactly chunked"},
    BadAnswer{"ChunkedGzip", OkHead("Transfer-Encoding: chunked, gzip\r\n"), "exactly chunked"},
    BadAnswer{"ChunkedTwice", OkHead("Transfer-Encoding: chunked, chunked\r\n"), "exactly chunked"},
    BadAnswer{"Identity", OkHead("Transfer-Encoding: identity\r\n"), "exactly chunked"},
    BadAnswer{"Quoted", OkHead("Transfer-Encoding: \"chunked\"\r\n"), "exactly chunked"},
    BadAnswer{"EmptyCoding", OkHead("Transfer-Encoding:\r\n"), "exactly chunked"},
    BadAnswer{"TwoCodings", OkHead("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
              "repeated"},
    BadAnswer{"CodingOnHttp10", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
              "HTTP/1.0"},
    BadAnswer{"LengthsIn204", "HTTP/1.1 204 No\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
              "repeated"},
    BadAnswer{"BothIn304",
              "HTTP/1.1 304 No\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
              "both"});

INSTANTIATE_CASES(Chunks, ClientRefusalTest, BadAnswer{"NoSize", Chunked("\r\n"), "chunk size"},
                  BadAnswer{"NotHex", Chunked("g\r\n"), "chunk size"},
                  BadAnswer{"Signed", Chunked("+2\r\nab\r\n"), "chunk size"},
                  BadAnswer{"Prefixed", Chunked("0x2\r\nab\r\n"), "chunk size"},
                  BadAnswer{"Blank", Chunked("  \r\nab\r\n"), "chunk size"},
                  BadAnswer{"BlankBefore", Chunked(" 2\r\nab\r\n"), "chunk size"},
                  BadAnswer{"BlankWithin", Chunked("2 2\r\nab\r\n"), "chunk size"},
                  BadAnswer{"BlankAndLf", Chunked("2 \nab\r\n"), "bare LF"},
                  BadAnswer{"BlankAndCr", Chunked("2 \rab\r\n"), "bare CR"},
                  BadAnswer{"VerticalTab", Chunked("2\v\r\nab\r\n"), "chunk size"},
                  BadAnswer{"TooManyBlanks", Chunked("2" + std::string(65, ' ')), "too many"},
                  BadAnswer{"Huge", Chunked("fffffffffffffffff\r\n"), "chunk size"},
                  BadAnswer{"BareLf", Chunked("2\nab\r\n"), "bare LF"},
                  BadAnswer{"BareCr", Chunked("2\rab\r\n"), "bare CR"},
                  BadAnswer{"Longer", Chunked("2\r\nabc\r\n"), "CRLF"},
                  BadAnswer{"DataLf", Chunked("2\r\nab\n"), "CRLF"},
                  BadAnswer{"Extension", Chunked("2;=\r\nab\r\n"), "extension"},
                  BadAnswer{"TrailerLength", Chunked("0\r\nContent-Length: 4\r\n\r\n"), "trailers"},
                  BadAnswer{"TrailerFolded", Chunked("0\r\nA: b\r\n c\r\n\r\n"), "folded"},
                  BadAnswer{"TrailerLf", Chunked("0\r\nA: b\n\r\n"), "bare LF in the trailer"},
                  BadAnswer{"NotEmpty", Chunked("0\r\nHTTP/1.1 200 OK\r\n"), "header name"});

INSTANTIATE_CASES(
    Upgrade, ClientRefusalTest,
    BadAnswer{"NotAsked", Switch("Connection: upgrade\r\nUpgrade: websocket\r\n"), "unsolicited"},
    BadAnswer{"Other", Switch("Connection: upgrade\r\nUpgrade: h2c\r\n"), "switch", "websocket"},
    BadAnswer{"Several", Switch("Connection: upgrade\r\nUpgrade: websocket, h2c\r\n"), "switch",
              "websocket, h2c"},
    BadAnswer{"NoProtocol", Switch("Connection: upgrade\r\n"), "switch", "websocket"},
    BadAnswer{"NoOption", Switch("Upgrade: websocket\r\n"), "switch", "websocket"},
    BadAnswer{"FoldedLength",
              Switch("Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n 4\r\n"),
              "folded", "websocket"},
    BadAnswer{"Http10", "HTTP/1.0 101 Yes\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
              "HTTP/1.0", "websocket"});

TEST(ClientLimitsTest, HeadBytes) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: ";
  const std::size_t filling = 1000 - head.size() - 4;
  for (const std::size_t chunk : {1u, 7u, 4096u}) {
    ClientWire fits(chunk, {.head_bytes = 1000});
    fits.Exchange(Get(), head + std::string(filling, 'x') + "\r\n\r\n");
    EXPECT_TRUE(fits.told().ended);
    for (const char* end : {"x\r\n\r\n", "xxxxxxxx"}) {
      ClientWire over(chunk, {.head_bytes = 1000});
      over.Exchange(Get(), head + std::string(filling, 'x') + end);
      EXPECT_EQ(over.told().failed->code, Errc::kProtocol);
      EXPECT_NE(over.told().failed->message.find("too large"), std::string::npos);
    }
    ClientWire line(chunk, {.head_bytes = 1000});
    line.Exchange(Get(), "HTTP/1.1 200 " + std::string(1000, 'x'));
    EXPECT_NE(line.told().failed->message.find("response head is too large"), std::string::npos);
  }
}

TEST(ClientLimitsTest, Interims) {
  ClientWire wire(4096, {.head_bytes = 60, .header_count = 100, .interim_count = 3});
  const std::string interim = "HTTP/1.1 103 Early Hints\r\nA: " + std::string(20, 'x') + "\r\n\r\n";
  wire.Exchange(Get(), interim + interim + interim);
  EXPECT_EQ(wire.told().interims.size(), 3u);
  wire.Answer(interim);
  EXPECT_NE(wire.told().failed->message.find("too many 1xx"), std::string::npos);
}

TEST(ClientLimitsTest, HeaderAndTrailerCount) {
  std::string fields;
  for (int i = 0; i < 5; ++i) fields += "A: b\r\n";
  const auto answer = [&](const std::string& head, const std::string& trailers) {
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + head + "\r\n0\r\n" + trailers +
           "\r\n";
  };
  ClientWire fits(4096, {.header_count = 6});
  fits.Exchange(Get(), answer(fields, fields + "B: c\r\n"));
  EXPECT_TRUE(fits.told().ended);
  ClientWire headers(4096, {.header_count = 5});
  headers.Exchange(Get(), answer(fields, ""));
  EXPECT_NE(headers.told().failed->message.find("too many headers"), std::string::npos);
  ClientWire trailers(4096, {.header_count = 5});
  trailers.Exchange(Get(), answer("", fields + "A: b\r\n"));
  EXPECT_NE(trailers.told().failed->message.find("too many trailers"), std::string::npos);
}

struct Whole {
  const char* name;
  std::string bytes;
};
const Whole kWhole[] = {
    {"Length", "HTTP/1.1 103 Hi\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"},
    {"Chunked",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nbody\r\n0\r\nA: b\r\n\r\n"},
    {"NoBody", "HTTP/1.1 204 No Content\r\nA: b\r\n\r\n"},
};

enum class End { kFin, kReset };

// Truncated at every byte, by a FIN and by a reset: never a complete response.
TEST(ClientTruncationTest, AtEachByte) {
  for (const Whole& whole : kWhole) {
    for (const End end : {End::kFin, End::kReset}) {
      for (std::size_t cut = 0; cut < whole.bytes.size(); ++cut) {
        SCOPED_TRACE(whole.name + std::to_string(cut));
        ClientWire wire(cut % 7 + 1);
        wire.Exchange(Get(), whole.bytes.substr(0, cut));
        end == End::kFin ? wire.Fin() : wire.Rst();
        EXPECT_FALSE(wire.told().ended);
        ASSERT_TRUE(wire.told().failed);
        EXPECT_EQ(wire.told().failed->code, Errc::kReset);
        EXPECT_EQ(wire.told().untouched, cut == 0);
        EXPECT_FALSE(wire.reusable());
        EXPECT_EQ(wire.lost(), 0);
      }
    }
    ClientWire wire;
    wire.Exchange(Get(), whole.bytes);
    EXPECT_TRUE(wire.told().ended);
    EXPECT_TRUE(wire.reusable());
  }
}

TEST(ClientTruncationTest, HeadOfABodyToTheEnd) {
  const std::string head = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
  for (std::size_t cut = 0; cut <= head.size(); ++cut) {
    ClientWire wire;
    wire.Exchange(Get(), head.substr(0, cut));
    wire.Fin();
    EXPECT_EQ(wire.told().ended, cut == head.size());
    EXPECT_EQ(wire.told().failed.has_value(), cut < head.size());
  }
}

}  // namespace
}  // namespace upgate::http
