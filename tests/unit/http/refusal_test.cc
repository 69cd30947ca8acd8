// Heads and bodies that the connection itself refuses: the status, and the rule named in the
// response body.

#include <string>

#include <gtest/gtest.h>

#include "tests/support/cases.h"
#include "tests/unit/http/wire.h"

namespace upgate::http::refusal_test {
namespace {

using namespace std::string_literals;

struct BadRequest {
  const char* name;
  std::string bytes;
  int status;
  const char* reason;
};

class RefusalTest : public TestOfCase<BadRequest> {};

TEST_EACH(RefusalTest, IsAnsweredAndClosedAtEveryChunkSize) {
  for (const std::size_t chunk : {1u, 2u, 3u, 7u, 4096u}) {
    SCOPED_TRACE(chunk);
    HttpWire wire(chunk);
    // The bytes that follow must never be parsed as a request.
    wire.Send(GetParam().bytes + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    std::string text = wire.received();
    const Answer answer = TakeAnswer(text);
    EXPECT_EQ(answer.status, GetParam().status);
    EXPECT_NE(answer.body.find(GetParam().reason), std::string::npos) << answer.body;
    EXPECT_TRUE(answer.headers.HasToken("connection", "close"));
    EXPECT_EQ(*answer.headers.Find("content-type"), "text/plain; charset=utf-8");
    EXPECT_EQ(text, "");
    EXPECT_TRUE(wire.wire().server_fin);
    EXPECT_FALSE(wire.done());
    for (std::size_t i = 0; i < wire.requests(); ++i)
      EXPECT_NE(wire.seen(i).request.target.path, "/smuggled");
    EXPECT_EQ(wire.answers(), std::vector{GetParam().status});
    wire.Fin();
    EXPECT_TRUE(wire.done());
  }
}

std::string Get(std::string_view fields) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}
std::string Line(std::string_view line) {
  return std::string(line) + "\r\nHost: a\r\n\r\n";
}
std::string Chunked(std::string_view body) {
  return "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(body);
}

INSTANTIATE_CASES(
    RequestLine, RefusalTest,
    BadRequest{"BareLfEnd", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400, "bare LF"},
    BadRequest{"BareCr", "GET / HTTP/1.1\rHost: a\r\n\r\n", 400, "bare CR"},
    BadRequest{"NoVersion", Line("GET /"), 400, "without an HTTP version"},
    BadRequest{"NoTarget", Line("GET"), 400, "request line"},
    BadRequest{"TwoSpaces", Line("GET  / HTTP/1.1"), 400, "request line"},
    BadRequest{"SpaceInTarget", Line("GET /a b HTTP/1.1"), 400, "request line"},
    BadRequest{"TrailingSpace", Line("GET / HTTP/1.1 "), 400, "request line"},
    BadRequest{"Tab", Line("GET\t/ HTTP/1.1"), 400, "control character"},
    BadRequest{"Nul", Line("GET /\0 HTTP/1.1"s), 400, "NUL"},
    BadRequest{"NonAsciiMethod", Line("G\xc3\xa9T / HTTP/1.1"), 400, "request line"},
    BadRequest{"NonAsciiVersion", Line("GET / HTTP/1.1\xc2\xa0"), 400, "version"},
    BadRequest{"NonAsciiSpace", Line("GET\xa0/ HTTP/1.1"), 400, "without an HTTP version"},
    BadRequest{"NonAsciiHost", Line("GET http://\xc3\xa9/ HTTP/1.1"), 400, "authority"},
    BadRequest{"Backslash", Line("GET /a\\b HTTP/1.1"), 400, "backslash"},
    BadRequest{"Fragment", Line("GET /#x HTTP/1.1"), 400, "fragment"},
    BadRequest{"Escape", Line("GET /%zz HTTP/1.1"), 400, "percent escape"},
    BadRequest{"Relative", Line("GET a/b HTTP/1.1"), 400, "neither a path"},
    BadRequest{"Authority", Line("GET a:80 HTTP/1.1"), 400, "neither a path"},
    BadRequest{"Asterisk", Line("GET * HTTP/1.1"), 400, "OPTIONS only"},
    BadRequest{"Scheme", Line("GET ftp://a/ HTTP/1.1"), 400, "scheme"},
    BadRequest{"Userinfo", Line("GET http://u:p@a/ HTTP/1.1"), 400, "authority"},
    BadRequest{"AbsoluteFormBadHost", "GET http://b/ HTTP/1.1\r\nHost: a/b\r\n\r\n", 400,
               "Host header is malformed"},
    BadRequest{"AbsoluteFormTwoHosts", "GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400,
               "Host header is repeated"},
    BadRequest{"Connect", Line("CONNECT a:80 HTTP/1.1"), 501, "CONNECT"},
    BadRequest{"UnknownMethod", Line("BREW / HTTP/1.1"), 501, "unknown method"},
    BadRequest{"LowerCaseMethod", Line("get / HTTP/1.1"), 501, "unknown method"},
    BadRequest{"LongerMethod", Line("GETS / HTTP/1.1"), 501, "unknown method"},
    BadRequest{"RtspMethod", Line("DESCRIBE / HTTP/1.1"), 501, "method"},
    BadRequest{"PriMethod", Line("PRI / HTTP/1.1"), 501, "method"},
    BadRequest{"NoToken", Line("G@T / HTTP/1.1"), 400, "request line"},
    BadRequest{"Version20", Line("GET / HTTP/2.0"), 505, "HTTP/1.1"},
    BadRequest{"Version12", Line("GET / HTTP/1.2"), 505, "HTTP/1.1"},
    BadRequest{"Version09", Line("GET / HTTP/0.9"), 505, "HTTP/1.1"},
    BadRequest{"OtherProtocol", Line("SOURCE / ICE/1.0"), 400, "version"},
    BadRequest{"LowerCaseVersion", Line("GET / http/1.1"), 400, "version"},
    BadRequest{"LongVersion", Line("GET / HTTP/1.10"), 400, "version"},
    BadRequest{"EmptyLines", "\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "empty lines"},
    BadRequest{"LeadingLf", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bare LF"},
    BadRequest{"LeadingSpace", " GET / HTTP/1.1\r\n\r\n", 400, "method"},
    BadRequest{"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "HTTP/2 preface"},
    BadRequest{"ClientHello", "\x16\x03\x01\x02\x00\x01"s, 400, "TLS"});

INSTANTIATE_CASES(Fields, RefusalTest, BadRequest{"BareLf", Get("A: b\nC: d\r\n"), 400, "bare LF"},
                  BadRequest{"BareLfEnd", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400, "bare LF"},
                  BadRequest{"BareCr", Get("A: b\rC: d\r\n"), 400, "bare CR"},
                  BadRequest{"CrCrLf", Get("A: b\r\r\n"), 400, "bare CR"},
                  BadRequest{"BareCrEnd", "GET / HTTP/1.1\r\nHost: a\r\n\rX", 400, "bare CR"},
                  BadRequest{"Folded", Get("A: b\r\n c\r\n"), 400, "folded"},
                  BadRequest{"FoldedTab", Get("A: b\r\n\tc\r\n"), 400, "folded"},
                  BadRequest{"FirstLineFolded", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400,
                             "whitespace before"},
                  BadRequest{"SpaceBeforeColon", Get("A : b\r\n"), 400, "before its colon"},
                  BadRequest{"TabBeforeColon", Get("A\t: b\r\n"), 400, "before its colon"},
                  BadRequest{"NoColon", Get("A\r\n"), 400, "without a colon"},
                  BadRequest{"EmptyName", Get(": b\r\n"), 400, "empty header name"},
                  BadRequest{"BadName", Get("A(: b\r\n"), 400, "header name"},
                  BadRequest{"NonAsciiName", Get("\xc3\xa9: b\r\n"), 400, "header name"},
                  BadRequest{"NulInName", Get("A\0: b\r\n"s), 400, "NUL"},
                  BadRequest{"NulInValue", Get("A: b\0\r\n"s), 400, "NUL"},
                  BadRequest{"ControlInValue", Get("A: b\x01\r\n"), 400, "control character"},
                  BadRequest{"DelInValue", Get("A: b\x7f\r\n"), 400, "control character"},
                  BadRequest{"NoHost", "GET / HTTP/1.1\r\n\r\n", 400, "Host header is missing"},
                  BadRequest{"TwoHosts", Get("hOST: a\r\n"), 400, "Host header is repeated"},
                  BadRequest{"EmptyHost", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400,
                             "Host header is empty"},
                  BadRequest{"MalformedHost", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400,
                             "Host header is malformed"},
                  BadRequest{"Expectation", Get("Expect: miracles\r\n"), 417, "expectation"});

INSTANTIATE_CASES(
    Framing, RefusalTest,
    BadRequest{"LengthAndCoding", Get("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"), 400,
               "both Content-Length and Transfer-Encoding"},
    BadRequest{"CodingAndLength", Get("Transfer-Encoding: chunked\r\ncontent-length: 4\r\n"), 400,
               "both Content-Length and Transfer-Encoding"},
    BadRequest{"TwoLengths", Get("Content-Length: 4\r\nContent-Length: 5\r\n"), 400,
               "Content-Length is repeated"},
    BadRequest{"SameLengths", Get("Content-Length: 4\r\nContent-Length: 4\r\n"), 400,
               "Content-Length is repeated"},
    BadRequest{"ListedLengths", Get("Content-Length: 4, 4\r\n"), 400, "plain decimal"},
    BadRequest{"PlusLength", Get("Content-Length: +4\r\n"), 400, "plain decimal"},
    BadRequest{"MinusLength", Get("Content-Length: -4\r\n"), 400, "plain decimal"},
    BadRequest{"HexLength", Get("Content-Length: 0x4\r\n"), 400, "plain decimal"},
    BadRequest{"EmptyLength", Get("Content-Length:\r\n"), 400, "plain decimal"},
    BadRequest{"SpacedLength", Get("Content-Length: 4 4\r\n"), 400, "plain decimal"},
    BadRequest{"HugeLength", Get("Content-Length: 18446744073709551616\r\n"), 400, "plain decimal"},
    BadRequest{"Gzip", Get("Transfer-Encoding: gzip\r\n"), 400, "not exactly chunked"},
    BadRequest{"GzipChunked", Get("Transfer-Encoding: gzip, chunked\r\n"), 400,
               "not exactly chunked"},
    BadRequest{"ChunkedGzip", Get("Transfer-Encoding: chunked, gzip\r\n"), 400,
               "not exactly chunked"},
    BadRequest{"ChunkedTwice", Get("Transfer-Encoding: chunked, chunked\r\n"), 400,
               "not exactly chunked"},
    BadRequest{"Identity", Get("Transfer-Encoding: identity\r\n"), 400, "not exactly chunked"},
    BadRequest{"EmptyCoding", Get("Transfer-Encoding:\r\n"), 400, "not exactly chunked"},
    BadRequest{"Almost", Get("Transfer-Encoding: xchunked\r\n"), 400, "not exactly chunked"},
    BadRequest{"Quoted", Get("Transfer-Encoding: \"chunked\"\r\n"), 400, "not exactly chunked"},
    BadRequest{"TwoCodings", Get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
               400, "Transfer-Encoding is repeated"},
    BadRequest{"CodingOnHttp10", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
               "HTTP/1.0"});

INSTANTIATE_CASES(
    Chunks, RefusalTest, BadRequest{"NoSize", Chunked("\r\n"), 400, "hexadecimal"},
    BadRequest{"NotHex", Chunked("g\r\n"), 400, "hexadecimal"},
    BadRequest{"Prefixed", Chunked("0x4\r\nabcd\r\n"), 400, "hexadecimal"},
    BadRequest{"Signed", Chunked("+4\r\nabcd\r\n"), 400, "hexadecimal"},
    BadRequest{"LeadingSpace", Chunked(" 4\r\nabcd\r\n"), 400, "hexadecimal"},
    BadRequest{"TrailingSpace", Chunked("4 \r\nabcd\r\n"), 400, "hexadecimal"},
    BadRequest{"Overflow", Chunked("10000000000000004\r\nabcd\r\n"), 400, "too large"},
    BadRequest{"Huge", Chunked("ffffffffffffffff\r\nabcd\r\n"), 400, "too large"},
    BadRequest{"ManyZeros", Chunked("00000000000000004\r\nabcd\r\n"), 400, "too large"},
    BadRequest{"BareLfSize", Chunked("4\nabcd\r\n0\r\n\r\n"), 400, "bare LF"},
    BadRequest{"BareCrSize", Chunked("4\rabcd\r\n"), 400, "bare CR"},
    BadRequest{"BareLfExtension", Chunked("4;a\nabcd\r\n"), 400, "bare LF"},
    BadRequest{"BareLfData", Chunked("4\r\nabcd\n0\r\n\r\n"), 400, "followed by CRLF"},
    BadRequest{"LongData", Chunked("4\r\nabcde\r\n"), 400, "followed by CRLF"},
    BadRequest{"BareCrData", Chunked("4\r\nabcd\rX"), 400, "followed by CRLF"},
    BadRequest{"EmptyExtension", Chunked("4;\r\nabcd\r\n"), 400, "chunk extension"},
    BadRequest{"SpacedExtension", Chunked("4; a\r\nabcd\r\n"), 400, "chunk extension"},
    BadRequest{"EmptyValue", Chunked("4;a=\r\nabcd\r\n"), 400, "chunk extension"},
    BadRequest{"OpenQuote", Chunked("4;a=\"b\r\nabcd\r\n"), 400, "chunk extension"},
    BadRequest{"AfterQuote", Chunked("4;a=\"b\"c\r\nabcd\r\n"), 400, "chunk extension"},
    BadRequest{"LongExtension", Chunked("4;" + std::string(20000, 'a')), 400,
               "extensions are too long"},
    BadRequest{"TrailerLf", Chunked("0\r\nA: b\n\r\n"), 400, "bare LF"},
    BadRequest{"TrailerSpace", Chunked("0\r\nA : b\r\n\r\n"), 400, "before its colon"},
    BadRequest{"TrailerEndLf", Chunked("0\r\n\nGET"), 400, "bare LF"},
    BadRequest{"TrailerLength", Chunked("0\r\nContent-Length: 4\r\n\r\n"), 400, "trailers"},
    BadRequest{"TrailerCoding", Chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400,
               "trailers"},
    BadRequest{"LongTrailers", Chunked("0\r\nA: " + std::string(65536, 'a')), 431, "trailers"});

std::string ManyHeaders(int count) {
  std::string fields;
  for (int i = 0; i < count; ++i) fields += "A: b\r\n";
  return fields;
}

INSTANTIATE_CASES(Limits, RefusalTest,
                  BadRequest{"Target", "GET /" + std::string(65536, 'a'), 414, "too long"},
                  BadRequest{"Head", "GET / HTTP/1.1\r\nA: " + std::string(65536, 'a'), 431,
                             "too large"},
                  BadRequest{"Count", Get(ManyHeaders(100)), 431, "too many headers"});

TEST(HeadLimitTest, TheLargestHeadPasses) {
  HttpWire wire;
  std::string head = "GET / HTTP/1.1\r\nHost: a\r\nA: ";
  head += std::string(64 * 1024 - head.size() - 4, 'a') + "\r\n\r\n";
  wire.Send(head);
  EXPECT_EQ(wire.requests(), 1u);
  HttpWire one_more;
  one_more.Send("GET /b" + head.substr(5));
  EXPECT_EQ(one_more.requests(), 0u);
  EXPECT_EQ(one_more.answers(), std::vector{431});
  HttpWire count;
  count.Send(Get(ManyHeaders(99)));
  EXPECT_EQ(count.requests(), 1u);
}

// After the response head, a refusal can only reset the connection.
TEST(RefusalTest, AfterTheHeadOfTheAnswerIsAnAbort) {
  HttpWire wire;
  wire.on_request = [](Seen&, Exchange& exchange) { exchange.SendHead({}, {}); };
  wire.Send(Chunked("zz"));
  EXPECT_TRUE(wire.done());
  EXPECT_TRUE(wire.wire().reset);
  EXPECT_EQ(wire.answers(), std::vector{200});
}

TEST(RefusalTest, AfterTheWholeAnswerIsAClose) {
  HttpWire wire;
  wire.on_request = [](Seen&, Exchange& exchange) { exchange.Respond(TextResponse(403, "no")); };
  wire.Send(Chunked("zz"));
  EXPECT_TRUE(wire.wire().server_fin);
  EXPECT_FALSE(wire.wire().reset);
  EXPECT_EQ(wire.answers(), std::vector{403});
  std::string text = wire.received();
  EXPECT_EQ(TakeAnswer(text).status, 403);
  EXPECT_EQ(text, "");
}

TEST(RefusalTest, CarriesTheAnswerHeadersOfItsExchange) {
  HttpWire wire;
  wire.on_request = [](Seen&, Exchange& exchange) {
    exchange.SetAnswerHeaders({{"Access-Control-Allow-Origin", "*"}});
  };
  wire.Send(Chunked("zz"));
  std::string text = wire.received();
  const Answer answer = TakeAnswer(text);
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.headers.Joined("access-control-allow-origin"), "*");
}

}  // namespace
}  // namespace upgate::http::refusal_test
