#include "gateway/base/proxy_header.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/support/cases.h"

namespace upgate {
namespace {

using namespace std::string_literals;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;
constexpr std::string_view kRest = "GET / HTTP/1.1\r\n";

IpPort At(std::string_view ip, std::uint16_t port) {
  return {*Ip::Parse(ip), port};
}

std::string Number(std::size_t number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
}

// A header of version 2 with this body.
std::string V2(std::string_view command_and_family, std::string_view body) {
  return kSignature + std::string(command_and_family) + Number(body.size()) + std::string(body);
}
std::string Tlv(char type, std::string_view value) {
  return std::string(1, type) + Number(value.size()) + std::string(value);
}
const std::string kV4Body = "\x01\x02\x03\x04\x7f\x00\x00\x01\x30\x39\x00\x50"s;

struct Outcome {
  std::optional<ProxyHeader> header;
  std::optional<ProxyFault> fault;
  std::string rest;  // not consumed
};

Outcome Parse(std::string_view bytes, std::size_t chunk) {
  ProxyHeaderParser parser;
  Outcome outcome;
  while (!bytes.empty()) {
    Bytes input = AsBytes(bytes.substr(0, chunk));
    const std::size_t size = input.size();
    const auto parsed = parser.Next(input);
    if (!parsed) {
      outcome.fault = parsed.error().fault;
      EXPECT_FALSE(parsed.error().reason.empty());
      return outcome;
    }
    bytes.remove_prefix(size - input.size());
    if (*parsed) {
      outcome.header = **parsed;
      outcome.rest = std::string(bytes);
      return outcome;
    }
    EXPECT_TRUE(input.empty()) << "what is not consumed must be asked for again";
    EXPECT_LE(parser.held_bytes(), 2 * kMaxProxyHeader);
  }
  return outcome;
}

class ProxyHeaderAtChunk : public TestOfCase<std::size_t> {
 protected:
  // The header, and the bytes behind it that must be left.
  void ExpectHeader(const std::string& bytes, const ProxyHeader& header) {
    const Outcome outcome = Parse(bytes + std::string(kRest), GetParam());
    ASSERT_TRUE(outcome.header) << testing::PrintToString(bytes);
    EXPECT_EQ(*outcome.header, header) << testing::PrintToString(bytes);
    EXPECT_EQ(outcome.rest, kRest);
    // Every beginning of it wants more.
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const Outcome begun = Parse(std::string_view(bytes).substr(0, i), GetParam());
      EXPECT_FALSE(begun.header || begun.fault) << i;
    }
  }
  void ExpectFault(const std::string& bytes, ProxyFault fault = ProxyFault::kMalformed) {
    const Outcome outcome = Parse(bytes + std::string(kRest), GetParam());
    EXPECT_FALSE(outcome.header) << testing::PrintToString(bytes);
    ASSERT_TRUE(outcome.fault) << testing::PrintToString(bytes);
    EXPECT_EQ(*outcome.fault, fault) << testing::PrintToString(bytes);
  }
};
INSTANTIATE_CASES(BytesPerRead, ProxyHeaderAtChunk, 1, 2, 3, 7, 16, 4096, 65536);

TEST_EACH(ProxyHeaderAtChunk, Version1) {
  ExpectHeader("PROXY TCP4 1.2.3.4 10.0.0.1 12345 80\r\n",
               {At("1.2.3.4", 12345), At("10.0.0.1", 80)});
  ExpectHeader("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n", {At("2001:db8::1", 1), At("::1", 65535)});
  ExpectHeader("PROXY TCP4 255.255.255.255 0.0.0.0 0 0\r\n",
               {At("255.255.255.255", 0), At("0.0.0.0", 0)});
  ExpectHeader("PROXY UNKNOWN\r\n", {});
  ExpectHeader("PROXY UNKNOWN what ever comes\r\n", {});
  // The longest line that there can be.
  ExpectHeader(
      "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
      {});
}

TEST_EACH(ProxyHeaderAtChunk, Version1ThatIsMalformed) {
  ExpectFault("PROXY TCP4 1.2.3.4 10.0.0.1 12345\r\n");
  ExpectFault("PROXY TCP4 1.2.3.4 10.0.0.1 12345 80 \r\n");
  ExpectFault("PROXY TCP4  1.2.3.4 10.0.0.1 12345 80\r\n");
  ExpectFault("PROXY TCP4 ::1 ::1 12345 80\r\n");
  ExpectFault("PROXY TCP6 1.2.3.4 1.2.3.4 12345 80\r\n");
  ExpectFault("PROXY TCP4 1.2.3.4.5 10.0.0.1 12345 80\r\n");
  ExpectFault("PROXY TCP4 1.2.3.4 10.0.0.1 65536 80\r\n");
  ExpectFault("PROXY TCP4 1.2.3.4 10.0.0.1 0080 80\r\n");
  ExpectFault("PROXY TCP4 1.2.3.4 10.0.0.1 +80 80\r\n");
  ExpectFault("PROXY UDP4 1.2.3.4 10.0.0.1 1 80\r\n");
  ExpectFault("PROXY UNKNOWNS\r\n");
  ExpectFault("PROXY \r\n");
  ExpectFault("PROXY TCP4 1.2.3.4 10.0.0.1 1\0 80\r\n"s);
  ExpectFault("PROXY TCP4 1.2.3.4 10.0.0.1 1 80\n" + std::string(200, 'x'));
  ExpectFault("PROXY UNKNOWN " + std::string(100, 'x') + "\r\n");
}

TEST_EACH(ProxyHeaderAtChunk, Version2) {
  const ProxyHeader v4{At("1.2.3.4", 12345), At("127.0.0.1", 80)};
  ExpectHeader(V2("\x21\x11", kV4Body), v4);
  ExpectHeader(V2("\x21\x11", kV4Body + Tlv(0x04, std::string(300, '\0'))), v4);
  const std::string one = std::string(15, '\0') + "\x01", two = std::string(15, '\0') + "\x02";
  ExpectHeader(V2("\x21\x21", one + two + "\x00\x01\x00\x02"s), {At("::1", 1), At("::2", 2)});
  std::string paths(216, '\0');
  paths.replace(0, 4, "/a/b").replace(108, 2, "/c");
  ExpectHeader(V2("\x21\x31", paths), {UnixPath{"/a/b"}, UnixPath{"/c"}});
}

TEST_EACH(ProxyHeaderAtChunk, Version2ThatNamesNobody) {
  ExpectHeader(V2("\x20\x00"s, ""), {});
  ExpectHeader(V2("\x20\x11", kV4Body), {});               // LOCAL
  ExpectHeader(V2("\x20\x11", std::string(99, 'x')), {});  // whatever it says
  ExpectHeader(V2("\x21\x00"s, "whatever"), {});           // AF_UNSPEC
}

TEST_EACH(ProxyHeaderAtChunk, Version2ThatIsMalformed) {
  ExpectFault(V2("\x11\x11", kV4Body));                 // version 1
  ExpectFault(V2("\x22\x11", kV4Body));                 // no such command
  ExpectFault(V2("\x21\x12", kV4Body));                 // datagrams
  ExpectFault(V2("\x21\x41", kV4Body));                 // no such family
  ExpectFault(V2("\x21\x11", kV4Body.substr(0, 11)));   // too short
  ExpectFault(V2("\x21\x21", kV4Body));                 // too short for IPv6
  ExpectFault(V2("\x21\x31", std::string(215, '\0')));  // too short for paths
  ExpectFault(V2("\x21\x11", kV4Body + "\x04"));        // half a TLV
  ExpectFault(V2("\x21\x11", kV4Body + "\x04\x00\x05"
                                       "abc"s));  // longer than the header
  ExpectFault(V2("\x21\x11", kV4Body + std::string(kMaxProxyHeader, '\0')));
}

TEST_EACH(ProxyHeaderAtChunk, WhatIsNone) {
  ExpectFault("GET / HTTP/1.1\r\n", ProxyFault::kAbsent);
  ExpectFault("\x16\x03\x01", ProxyFault::kAbsent);
  ExpectFault("PROXy TCP4 1.2.3.4 10.0.0.1 12345 80\r\n", ProxyFault::kAbsent);
  ExpectFault("\r\n\r\n\0\r\nQUIt\n"s, ProxyFault::kAbsent);
  ExpectFault("\r\n\r\nGET / HTTP/1.1\r\n", ProxyFault::kAbsent);
}

TEST_EACH(ProxyHeaderAtChunk, TheChecksumIsChecked) {
  const ProxyFacts facts{.source = At("1.2.3.4", 1),
                         .destination = At("5.6.7.8", 2),
                         .alpn = "http/1.1",
                         .authority = {},
                         .tls = {},
                         .unique_id = "x"};
  const std::string header = EncodeProxyV2(facts);
  ExpectHeader(header, {At("1.2.3.4", 1), At("5.6.7.8", 2)});
  std::string wrong = header;
  wrong[16] = 9;  // the address
  ExpectFault(wrong, ProxyFault::kChecksum);
  wrong = header;
  wrong.back() = static_cast<char>(wrong.back() ^ 1);
  ExpectFault(wrong, ProxyFault::kChecksum);
  ExpectFault(V2("\x21\x11", kV4Body + Tlv(0x03, "abc")));  // of three bytes
}

TEST(ProxyHeaderTest, CastagnoliOfTheStandard) {
  // RFC 3720, appendix B.4.
  EXPECT_EQ(Crc32c(AsBytes(std::string(32, '\0'))), 0x8a9136aau);
  EXPECT_EQ(Crc32c(AsBytes(std::string(32, '\xff'))), 0x62a8ab43u);
  EXPECT_EQ(Crc32c(AsBytes("123456789")), 0xe3069283u);
}

ProxyFacts Between(SocketAddress source, SocketAddress destination) {
  ProxyFacts facts;
  facts.source = std::move(source);
  facts.destination = std::move(destination);
  return facts;
}

TEST(ProxyHeaderTest, EncodesVersion1) {
  EXPECT_EQ(EncodeProxyV1(Between(At("1.2.3.4", 5), At("6.7.8.9", 10))),
            "PROXY TCP4 1.2.3.4 6.7.8.9 5 10\r\n");
  EXPECT_EQ(EncodeProxyV1(Between(At("::1", 5), At("fe80::2", 10))),
            "PROXY TCP6 ::1 fe80::2 5 10\r\n");
  EXPECT_EQ(EncodeProxyV1(Between(At("1.2.3.4", 5), At("::1", 10))),
            "PROXY TCP6 ::ffff:1.2.3.4 ::1 5 10\r\n");
  EXPECT_EQ(EncodeProxyV1(Between(UnixPath{"/a"}, UnixPath{"/b"})), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(EncodeProxyV1(Between(At("1.2.3.4", 5), UnixPath{"/b"})), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(EncodeProxyV1({}), "PROXY UNKNOWN\r\n");
}

TEST(ProxyHeaderTest, EncodesVersion2ByteForByte) {
  ProxyFacts facts = Between(At("1.2.3.4", 0x3039), At("127.0.0.1", 80));
  facts.alpn = "http/1.1";
  facts.authority = "a.example";
  facts.unique_id = "id";
  facts.user = "bob";
  facts.tls = {
      .version = "TLSv1.3", .cipher = "C", .client_name = "alice", .client_certificate = true};
  const std::string ssl =
      "\x03"s + std::string(4, '\0') + Tlv(0x21, "TLSv1.3") + Tlv(0x22, "alice") + Tlv(0x23, "C");
  const std::string body = kV4Body + Tlv(0x01, "http/1.1") + Tlv(0x02, "a.example") +
                           Tlv(0x05, "id") + Tlv(0x20, ssl) + Tlv(static_cast<char>(0xe0), "bob");
  std::string header = V2("\x21\x11", body + Tlv(0x03, std::string(4, '\0')));
  const std::uint32_t crc = Crc32c(AsBytes(header));
  for (int i = 0; i < 4; ++i)
    header[header.size() - 4 + static_cast<std::size_t>(i)] =
        static_cast<char>(crc >> (24 - 8 * i) & 0xff);
  EXPECT_EQ(EncodeProxyV2(facts), header);
}

TEST(ProxyHeaderTest, EncodesTlsWithoutACertificateAsNotVerified) {
  ProxyFacts facts = Between(At("::1", 1), At("::1", 2));
  facts.tls = {.version = "TLSv1.2", .cipher = {}, .client_name = {}, .client_certificate = false};
  const std::string ssl = "\x01\x00\x00\x00\x01"s + Tlv(0x21, "TLSv1.2");
  EXPECT_NE(EncodeProxyV2(facts).find(Tlv(0x20, ssl)), std::string::npos);
}

TEST(ProxyHeaderTest, EncodesWhatHasNoIpAddress) {
  const auto parsed = [](const ProxyFacts& facts) {
    return *Parse(EncodeProxyV2(facts), 4096).header;
  };
  EXPECT_EQ(parsed(Between(UnixPath{"/a"}, UnixPath{"/b"})),
            (ProxyHeader{UnixPath{"/a"}, UnixPath{"/b"}}));
  EXPECT_EQ(parsed(Between(UnixPath{}, UnixPath{"/b"})), (ProxyHeader{UnixPath{}, UnixPath{"/b"}}));
  EXPECT_EQ(parsed(Between(At("1.2.3.4", 5), UnixPath{"/b"})), ProxyHeader{});
  EXPECT_EQ(EncodeProxyV2({})[12], '\x20');  // LOCAL
  EXPECT_EQ(parsed({}), ProxyHeader{});
  // IPv4 in its mapped form, where the other end has no other.
  EXPECT_EQ(parsed(Between(At("1.2.3.4", 5), At("::1", 6))),
            (ProxyHeader{At("1.2.3.4", 5), At("::1", 6)}));
}

TEST(ProxyHeaderTest, LeavesOutWhatIsTooLong) {
  ProxyFacts facts = Between(At("1.2.3.4", 5), At("1.2.3.4", 6));
  const std::string id(129, 'i'), name(5000, 'n');
  facts.unique_id = id;
  facts.authority = name;
  EXPECT_EQ(EncodeProxyV2(facts).size(), 16u + 12 + 7);
}

TEST(ProxyHeaderTest, IsToldFromARequest) {
  EXPECT_TRUE(LooksLikeProxyHeader("PROXY TCP4 1.2.3.4 "));
  EXPECT_TRUE(LooksLikeProxyHeader("PROXY UNKNOWN\r\n"));
  EXPECT_TRUE(LooksLikeProxyHeader(kSignature));
  EXPECT_TRUE(LooksLikeProxyHeader("\r\n\r\n\0"s));
  EXPECT_FALSE(LooksLikeProxyHeader("\r\n\r\n"));
  EXPECT_FALSE(LooksLikeProxyHeader("\r\n\r\n\0GET"s));
  EXPECT_FALSE(LooksLikeProxyHeader("PROXY / HTTP/1.1"));
  EXPECT_FALSE(LooksLikeProxyHeader("GET / HTTP/1.1"));
  EXPECT_FALSE(LooksLikeProxyHeader(""));
}

}  // namespace
}  // namespace upgate
