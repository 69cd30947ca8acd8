#include "gateway/base/address.h"

#include <string>

#include <gtest/gtest.h>

namespace upgate {
namespace {

using namespace std::string_view_literals;

std::string IpText(std::string_view text) {
  const auto ip = Ip::Parse(text);
  return ip ? ip->ToString() : "-";
}

std::string HostPortText(std::string_view text, std::optional<std::uint16_t> default_port = {}) {
  const auto parsed = HostPort::Parse(text, default_port);
  return parsed ? parsed->host + " " + std::to_string(parsed->port) : parsed.error().message;
}

bool Matches(std::string_view block, std::string_view ip) {
  return Cidr::Parse(block)->Contains(*Ip::Parse(ip));
}

TEST(IpTest, ReadsAndWritesBothFamilies) {
  EXPECT_EQ(IpText("127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(IpText("2001:DB8:0:0::1"), "2001:db8::1");
  EXPECT_EQ(IpText("::ffff:10.0.0.1"), "10.0.0.1");
  EXPECT_TRUE(Ip::Parse("127.0.0.1")->is_v4());
  EXPECT_FALSE(Ip::Parse("::1")->is_v4());
}

TEST(IpTest, MappedAndPlainAddressesAreEqual) {
  EXPECT_EQ(Ip::Parse("::ffff:10.0.0.1"), Ip::Parse("10.0.0.1"));
}

TEST(IpTest, RefusesEverythingElse) {
  for (const auto text :
       {""sv, "127.0.0"sv, "127.0.0.256"sv, "010.0.0.1"sv, " 127.0.0.1"sv, "[::1]"sv, "::1%lo"sv,
        "localhost"sv, "127.0.0.1\0.example.com"sv, "::1\0"sv}) {
    EXPECT_EQ(IpText(text), "-") << text;
  }
  EXPECT_EQ(IpText(std::string(1 << 20, '1')), "-");
}

TEST(SocketAddressTest, IsWrittenWithEveryByte) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string digits = std::to_string(byte);
    const std::string text = "10." + digits + ".0." + digits;
    EXPECT_EQ(IpText(text), text);
    const auto port = static_cast<std::uint16_t>(byte * 257);
    EXPECT_EQ(ToString(SocketAddress(IpPort{*Ip::Parse(text), port})),
              text + ":" + std::to_string(port));
  }
}

TEST(SocketAddressTest, IsWrittenWithBracketsOnlyForIpv6) {
  EXPECT_EQ(ToString(SocketAddress(IpPort{*Ip::Parse("10.0.0.1"), 80})), "10.0.0.1:80");
  EXPECT_EQ(ToString(SocketAddress(IpPort{*Ip::Parse("::1"), 8080})), "[::1]:8080");
  EXPECT_EQ(ToString(SocketAddress(UnixPath{"/run/a.sock"})), "unix:/run/a.sock");
}

TEST(HostPortTest, ReadsNamesAndAddresses) {
  EXPECT_EQ(HostPortText("localhost:80"), "localhost 80");
  EXPECT_EQ(HostPortText("10.0.0.1:0"), "10.0.0.1 0");
  EXPECT_EQ(HostPortText("[::1]:65535"), "::1 65535");
}

TEST(HostPortTest, AMissingPortTakesTheDefault) {
  EXPECT_EQ(HostPortText("localhost", 443), "localhost 443");
  EXPECT_EQ(HostPortText("[::1]", 443), "::1 443");
  EXPECT_EQ(HostPortText("localhost:80", 443), "localhost 80");
  EXPECT_EQ(HostPortText("localhost"), "no port; host:port is needed");
  EXPECT_EQ(HostPortText("[::1]"), "no port; host:port is needed");
}

TEST(HostPortTest, SaysWhatIsWrong) {
  constexpr auto kPort = "the port is not a number from 0 to 65535";
  for (const auto* text :
       {"a:", "a:65536", "a:-1", "a:+1", "a:8o", "a: 80", "a:80 ", "[::1]80", "[::1]x:80"}) {
    EXPECT_EQ(HostPortText(text), kPort) << text;
    EXPECT_EQ(HostPortText(text, 80), kPort) << text;
  }
  EXPECT_EQ(HostPortText(":80"), "no host before the port");
  EXPECT_EQ(HostPortText(""), "no host before the port");
  EXPECT_EQ(HostPortText("::1"), "an IPv6 address needs brackets, as in [::1]:80");
  EXPECT_EQ(HostPortText("[::1:80"), "'[' without ']'");
  EXPECT_EQ(HostPortText("[127.0.0.1]:80"), "no IPv6 address between '[' and ']'");
  EXPECT_EQ(HostPortText("[]:80"), "no IPv6 address between '[' and ']'");
}

TEST(HostPortTest, RefusesWhatNoNameIsMadeOf) {
  for (const auto text : {"a b:80"sv, "a\r\nb:80"sv, "a\0b:80"sv, "u@a:80"sv, "a/b:80"sv,
                          "a?b:80"sv, "a\\b:80"sv, "\xc3\xa4:80"sv, "a]:80"sv, "\"a\":80"sv}) {
    EXPECT_EQ(HostPortText(text), "a character that is not allowed in host names") << text;
  }
}

TEST(HostPortTest, WritesWhatItReads) {
  for (const auto* text : {"localhost:80", "[::1]:80", "10.0.0.1:1"}) {
    EXPECT_EQ(HostPort::Parse(text)->ToString(), text);
  }
}

TEST(CidrTest, MatchesByItsBits) {
  EXPECT_TRUE(Matches("10.0.0.0/8", "10.255.1.2"));
  EXPECT_FALSE(Matches("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(Matches("192.168.4.0/22", "192.168.7.255"));
  EXPECT_FALSE(Matches("192.168.4.0/22", "192.168.8.0"));
  EXPECT_TRUE(Matches("10.0.0.1", "10.0.0.1"));
  EXPECT_FALSE(Matches("10.0.0.1", "10.0.0.2"));
  EXPECT_TRUE(Matches("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(Matches("2001:db8::/33", "2001:db8:8000::1"));
}

TEST(CidrTest, FamiliesMeetOnlyInTheMappedBlock) {
  EXPECT_TRUE(Matches("0.0.0.0/0", "1.2.3.4"));
  EXPECT_FALSE(Matches("0.0.0.0/0", "::1"));
  EXPECT_TRUE(Matches("::/0", "1.2.3.4"));
  EXPECT_TRUE(Matches("::ffff:10.0.0.0/104", "10.1.2.3"));
}

TEST(CidrTest, RefusesWrongBitsAndAddresses) {
  for (const auto* text :
       {"10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8/8", "::/129", "/8", "", "host/8"}) {
    EXPECT_FALSE(Cidr::Parse(text)) << text;
  }
}

}  // namespace
}  // namespace upgate
