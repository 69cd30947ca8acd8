#include "gateway/config/scalar.h"

#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace upgate::config {
namespace {

std::string Show(bool value) {
  return value ? "true" : "false";
}
std::string Show(std::int64_t value) {
  return std::to_string(value);
}
std::string Show(Millis value) {
  return std::to_string(value.count()) + "ms";
}
std::string Show(ByteSize value) {
  return std::to_string(value.bytes);
}
std::string Show(const Workers& value) {
  return std::to_string(value.count);
}
std::string Show(const FileName& value) {
  return value.path;
}
std::string Show(const Token& value) {
  return value.text;
}
std::string Show(const HostName& value) {
  return value.text;
}
std::string Show(const Endpoint& value) {
  return ListenAddress{value, {}, {}}.ToString();
}
std::string Show(const Cidr& value) {
  return fmt::format("{}/{}", value.base.ToString(), value.bits);
}
std::string Show(const ServerUrl& value) {
  constexpr std::string_view kNames[] = {"tcp", "tls", "unix", "ws", "wss", "http", "https"};
  return fmt::format("{} {}", kNames[static_cast<int>(value.scheme)], Show(value.address));
}
std::string Show(const OriginPattern& value) {
  constexpr std::string_view kNames[] = {"any", "null", "exact", "below", "text"};
  if (value.kind == OriginPattern::Kind::kText) return "text " + value.host;
  return fmt::format("{} {} {} {}", kNames[static_cast<int>(value.kind)], value.scheme, value.host,
                     value.any_port ? "any" : std::to_string(value.port));
}
std::string Show(const PathPattern& value) {
  constexpr std::string_view kNames[] = {"exact", "prefix", "regex"};
  return fmt::format("{} [{}] {}", kNames[static_cast<int>(value.kind)], value.text, value.written);
}
std::string Show(const HostPattern& value) {
  return (value.wildcard ? "below " : "exact ") + value.host;
}

// The value, or "! error; correct form".
template <class T>
std::string Read(std::string_view text) {
  const auto value = Syntax<T>::Read(text);
  if (value) return Show(*value);
  const Refusal& refusal = value.error();
  EXPECT_TRUE(text.size() < 6 || refusal.what.find(text) == std::string::npos)
      << "shows the scalar: " << refusal.what;
  return "! " + refusal.what + (refusal.instead.empty() ? "" : "; " + refusal.instead) +
         (refusal.is_secret ? " (hidden)" : "");
}

TEST(BoolSyntaxTest, IsTrueOrFalse) {
  EXPECT_EQ(Read<bool>("true"), "true");
  EXPECT_EQ(Read<bool>("false"), "false");
  for (const auto* text : {"yes", "Yes", "on", "True", "1"})
    EXPECT_EQ(Read<bool>(text), "! ; did you mean true?") << text;
  for (const auto* text : {"no", "OFF", "FALSE", "0"})
    EXPECT_EQ(Read<bool>(text), "! ; did you mean false?") << text;
  EXPECT_EQ(Read<bool>("maybe"), "! ");
  EXPECT_EQ(Read<bool>(""), "! ");
}

TEST(IntegerSyntaxTest, IsDecimalAndSaturates) {
  EXPECT_EQ(Read<int>("0"), "0");
  EXPECT_EQ(Read<int>("-7"), "-7");
  EXPECT_EQ(Read<int>("99999999999999999999"), "9223372036854775807");
  EXPECT_EQ(Read<int>("-99999999999999999999"), "-9223372036854775808");
  for (const auto* text : {"", "x", "1x", "1.5", "0x10", "1_000", "+1", " 1", "1 ", "1e3"})
    EXPECT_EQ(Read<int>(text), "! ") << text;
}

TEST(DurationSyntaxTest, IsANumberAndAUnit) {
  EXPECT_EQ(Read<Millis>("250ms"), "250ms");
  EXPECT_EQ(Read<Millis>("30s"), "30000ms");
  EXPECT_EQ(Read<Millis>("5m"), "300000ms");
  EXPECT_EQ(Read<Millis>("2h"), "7200000ms");
  EXPECT_EQ(Read<Millis>("0"), "0ms");
  EXPECT_EQ(Read<Millis>("0s"), "0ms");
}

TEST(DurationSyntaxTest, SaysWhatIsWrong) {
  EXPECT_EQ(Read<Millis>("30"), "! has no unit; write 30s, or 30ms, 30m or 30h");
  EXPECT_EQ(Read<Millis>("30 s"), "! has a space in it; write 30s");
  EXPECT_EQ(Read<Millis>("30 x"), "! has a space in it");
  EXPECT_EQ(Read<Millis>("30sec"), "! has an unknown unit; did you mean 30s?");
  EXPECT_EQ(Read<Millis>("5Min"), "! has an unknown unit; did you mean 5m?");
  EXPECT_EQ(Read<Millis>("30S"), "! has an unknown unit; did you mean 30s?");
  EXPECT_EQ(Read<Millis>("1d"), "! has an unknown unit; write days as hours: 24h is one day");
  EXPECT_EQ(Read<Millis>("5us"), "! has an unknown unit; use ms, s, m or h");
  EXPECT_EQ(Read<Millis>("1.5s"), "! is not a whole number; use a smaller unit");
  EXPECT_EQ(Read<Millis>("1h30m"), "! is more than one number and one unit");
  EXPECT_EQ(Read<Millis>("87601h"), "! is too large; at most 87600h");
  EXPECT_EQ(Read<Millis>("99999999999999999999h"), "! is too large; at most 87600h");
  for (const auto* text : {"", "s", "-1s", "soon"}) EXPECT_EQ(Read<Millis>(text), "! ") << text;
}

TEST(DurationSyntaxTest, IsWrittenInItsLargestUnit) {
  EXPECT_EQ(Syntax<Millis>::Write(Millis{0}), "0");
  EXPECT_EQ(Syntax<Millis>::Write(Millis{1500}), "1500ms");
  EXPECT_EQ(Syntax<Millis>::Write(Millis{90'000}), "90s");
  EXPECT_EQ(Syntax<Millis>::Write(Millis{3'600'000}), "1h");
}

TEST(SizeSyntaxTest, IsANumberAndABinaryUnit) {
  EXPECT_EQ(Read<ByteSize>("1000"), "1000");
  EXPECT_EQ(Read<ByteSize>("7B"), "7");
  EXPECT_EQ(Read<ByteSize>("64KiB"), "65536");
  EXPECT_EQ(Read<ByteSize>("1MiB"), "1048576");
  EXPECT_EQ(Read<ByteSize>("2GiB"), "2147483648");
  EXPECT_EQ(Syntax<ByteSize>::Write({65'536}), "64KiB");
  EXPECT_EQ(Syntax<ByteSize>::Write({1}), "1B");
}

TEST(SizeSyntaxTest, SaysWhatIsWrong) {
  EXPECT_EQ(Read<ByteSize>("64KB"), "! has an unknown unit; did you mean 64KiB?");
  EXPECT_EQ(Read<ByteSize>("64k"), "! has an unknown unit; did you mean 64KiB?");
  EXPECT_EQ(Read<ByteSize>("1M"), "! has an unknown unit; did you mean 1MiB?");
  EXPECT_EQ(Read<ByteSize>("1gib"), "! has an unknown unit; did you mean 1GiB?");
  EXPECT_EQ(Read<ByteSize>("1T"), "! has an unknown unit; use B, KiB, MiB or GiB");
  EXPECT_EQ(Read<ByteSize>("1 MiB"), "! has a space in it; write 1MiB");
  EXPECT_EQ(Read<ByteSize>("1.5MiB"), "! is not a whole number; use a smaller unit");
  EXPECT_EQ(Read<ByteSize>("99999999GiB"), "! is too large; at most 1048576GiB");
  for (const auto* text : {"", "KiB", "-1", "big"}) EXPECT_EQ(Read<ByteSize>(text), "! ") << text;
}

TEST(WorkersSyntaxTest, IsAutoOrANumber) {
  EXPECT_EQ(Read<Workers>("auto"), "0");
  EXPECT_EQ(Read<Workers>("1"), "1");
  EXPECT_EQ(Read<Workers>("256"), "256");
  for (const auto* text : {"0", "257", "-1", "Auto", "4x", ""})
    EXPECT_EQ(Read<Workers>(text), "! ") << text;
}

TEST(FileNameSyntaxTest, IsAnythingThatCanBeAName) {
  EXPECT_EQ(Read<FileName>("tls/a b.crt"), "tls/a b.crt");
  EXPECT_EQ(Read<FileName>(""), "! is empty");
  EXPECT_EQ(Read<FileName>("tls/a\nb"), "! has a control character in it");
}

TEST(TokenSyntaxTest, IsATokenOfHttp) {
  EXPECT_EQ(Read<Token>("v10.stomp"), "v10.stomp");
  EXPECT_EQ(Read<Token>("!#$%&'*+-.^_`|~09azAZ"), "!#$%&'*+-.^_`|~09azAZ");
  for (const auto* text : {"", "a b", "a,b", "a/b", "a\r\nb", "\xc3\xa4", "a:"})
    EXPECT_EQ(Read<Token>(text), "! ") << text;
}

TEST(EndpointSyntaxTest, IsHostAndPortOrASocketsPath) {
  EXPECT_EQ(Read<Endpoint>("0.0.0.0:8080"), "0.0.0.0:8080");
  EXPECT_EQ(Read<Endpoint>("[::]:0"), "[::]:0");
  EXPECT_EQ(Read<Endpoint>("localhost:65535"), "localhost:65535");
  EXPECT_EQ(Read<Endpoint>("unix:/run/a.sock"), "unix:/run/a.sock");
  EXPECT_EQ(Read<Endpoint>("unix:///run/a.sock"), "unix:/run/a.sock");
}

TEST(EndpointSyntaxTest, SaysWhatIsWrong) {
  EXPECT_EQ(Read<Endpoint>(":8080"),
            "! has no host; write 0.0.0.0:8080 for all addresses, or 127.0.0.1:8080 for this "
            "machine only");
  EXPECT_EQ(Read<Endpoint>("8080"), "! is a port without a host; write 0.0.0.0:8080");
  EXPECT_EQ(Read<Endpoint>("*:8080"), "! has '*' for a host; write 0.0.0.0:8080 or [::]:8080");
  EXPECT_EQ(Read<Endpoint>("localhost"), "! has no port; add one, as in localhost:8080");
  EXPECT_EQ(Read<Endpoint>("[::1]"), "! has no port; add one, as in [::1]:8080");
  EXPECT_EQ(Read<Endpoint>("::1"), "! has no port; add one, as in [::1]:8080");
  EXPECT_EQ(Read<Endpoint>("::1:8443"), "! has no port; write [::1]:8443 if 8443 is the port");
  EXPECT_EQ(Read<Endpoint>("::g:80"),
            "! is not host:port: an IPv6 address needs brackets, as in [::1]:80");
  EXPECT_EQ(Read<Endpoint>("http://a:80"), "! is a URL; write a:80");
  EXPECT_EQ(Read<Endpoint>("/run/a.sock"), "! is a path; write unix:/run/a.sock");
  EXPECT_EQ(Read<Endpoint>("a:65536"),
            "! is not host:port: the port is not a number from 0 to 65535");
  EXPECT_EQ(Read<Endpoint>("256.0.0.1:80"),
            "! has a host that is neither a name nor an IPv4 address");
  EXPECT_EQ(Read<Endpoint>("a..b:80"), "! has an extra dot in its host");
  EXPECT_EQ(Read<Endpoint>("a,b:80"), "! has a character that is not allowed in host names");
  EXPECT_EQ(Read<Endpoint>(std::string(64, 'a') + ":80"),
            "! has more than 63 characters between two dots of its host");
  EXPECT_EQ(Read<Endpoint>("unix:"), "! has no path after unix:; write unix:/path");
  EXPECT_EQ(Read<Endpoint>("unix:a.sock"),
            "! has no absolute path after unix:; write unix:/run/a.sock");
  EXPECT_EQ(Read<Endpoint>("unix://run/a.sock"),
            "! has a host after unix://; write unix:/run/a.sock");
  EXPECT_EQ(Read<Endpoint>("unix:/run/"), "! is a folder, not a socket");
  EXPECT_EQ(Read<Endpoint>("unix:/run/a\nb"), "! has a control character in its path");
  EXPECT_EQ(Read<Endpoint>("unix:/" + std::string(106, 'a')), "unix:/" + std::string(106, 'a'));
  EXPECT_EQ(Read<Endpoint>("unix:/" + std::string(107, 'a')),
            "! has a path of 108 bytes; unix sockets take at most 107");
  EXPECT_EQ(Read<Endpoint>(""), "! is not host:port: no host before the port");
}

TEST(ServerUrlSyntaxTest, IsASchemeAndAnAddress) {
  EXPECT_EQ(Read<ServerUrl>("tcp://localhost:1883"), "tcp localhost:1883");
  EXPECT_EQ(Read<ServerUrl>("TLS://[::1]:8883"), "tls [::1]:8883");
  EXPECT_EQ(Read<ServerUrl>("ws://live"), "ws live:80");
  EXPECT_EQ(Read<ServerUrl>("WSS://live:9"), "wss live:9");
  EXPECT_EQ(Read<ServerUrl>("http://[::1]"), "http [::1]:80");
  EXPECT_EQ(Read<ServerUrl>("https://a"), "https a:443");
  EXPECT_EQ(Read<ServerUrl>("unix:/run/a.sock"), "unix unix:/run/a.sock");
  EXPECT_EQ(Read<ServerUrl>("unix:///run/a.sock"), "unix unix:/run/a.sock");
}

TEST(ServerUrlSyntaxTest, SaysWhatIsWrong) {
  EXPECT_EQ(Read<ServerUrl>("localhost:1883"),
            "! has no scheme; write tcp://localhost:1883 or tls://localhost:1883");
  EXPECT_EQ(Read<ServerUrl>("/run/a.sock"), "! has no scheme; write unix:/run/a.sock");
  EXPECT_EQ(Read<ServerUrl>("localhost"),
            "! has no scheme; write tcp://localhost:PORT or tls://localhost:PORT");
  EXPECT_EQ(Read<ServerUrl>("http:/host:3000/base"),
            "! has no '://' after its scheme; write http://host:3000");
  EXPECT_EQ(Read<ServerUrl>("tcp:h:1"), "! has no '://' after its scheme; write tcp://h:1");
  EXPECT_EQ(Read<ServerUrl>("ws+unix:/run/a"), "! has an unknown scheme; write unix:/run/a");
  EXPECT_EQ(Read<ServerUrl>("udp://a:1"),
            "! has an unknown scheme; use tcp, tls, unix, ws, wss, http or https");
  EXPECT_EQ(Read<ServerUrl>("https://a/b"),
            "! has a path; write https://a: servers get the path and query of the request "
            "unchanged, without a prefix");
  EXPECT_EQ(Read<ServerUrl>("https://a/"), "! has a path; write https://a");
  EXPECT_EQ(Read<ServerUrl>("tcp://a"), "! has no port; add one, as in tcp://a:8080");
  EXPECT_EQ(Read<ServerUrl>("tls://::1"), "! has no port; add one, as in tls://[::1]:8080");
  EXPECT_EQ(Read<ServerUrl>("tcp://a:0"), "! has port 0; servers have a port from 1 to 65535");
  EXPECT_EQ(Read<ServerUrl>("tcp://a:1/"), "! has a path; write tcp://a:1");
  EXPECT_EQ(Read<ServerUrl>("tcp://a:1?x=y"), "! has a query; write tcp://a:1");
  EXPECT_EQ(Read<ServerUrl>("tcp://a:1#x"), "! has a fragment; write tcp://a:1");
  EXPECT_EQ(Read<ServerUrl>("tcp://user:pw@a:1"),
            "! has a user name or password in it; leave out what is before '@' (hidden)");
  EXPECT_EQ(Read<ServerUrl>("http://user:pw@a"),
            "! has a user name or password in it; leave out what is before '@' (hidden)");
  EXPECT_EQ(Read<ServerUrl>("tcp://"), "! is not host:port: no host before the port");
  EXPECT_EQ(Read<ServerUrl>("tcp://a b:1"),
            "! is not host:port: a character that is not allowed in host names");
  EXPECT_EQ(Read<ServerUrl>("unix:x"), "! has no absolute path after unix:; write unix:/run/x");
}

TEST(CidrSyntaxTest, IsAnAddressOrABlock) {
  EXPECT_EQ(Read<Cidr>("10.0.0.0/8"), "10.0.0.0/104");
  EXPECT_EQ(Read<Cidr>("::1"), "::1/128");
  EXPECT_EQ(Read<Cidr>("10.0.0.0/33"),
            "! has a wrong number of bits after '/'; 0 to 32 for IPv4, 0 to 128 for IPv6");
  EXPECT_EQ(Read<Cidr>("proxy"), "! ");
}

TEST(OriginSyntaxTest, IsSchemeHostAndPort) {
  EXPECT_EQ(Read<OriginPattern>("*"), "any   0");
  EXPECT_EQ(Read<OriginPattern>("null"), "null   0");
  EXPECT_EQ(Read<OriginPattern>("https://App.Example.COM"), "exact https app.example.com 443");
  EXPECT_EQ(Read<OriginPattern>("HTTP://localhost:3000"), "exact http localhost 3000");
  EXPECT_EQ(Read<OriginPattern>("http://[::0001]"), "exact http ::1 80");
  EXPECT_EQ(Read<OriginPattern>("https://*.example.com:8443"), "below https example.com 8443");
  // Browsers treat it as a different origin than the one without the dot.
  EXPECT_EQ(Read<OriginPattern>("https://a.example."), "exact https a.example. 443");
  EXPECT_EQ(Read<OriginPattern>("http://localhost:*"), "exact http localhost any");
  EXPECT_EQ(Read<OriginPattern>("https://*.example.com:*"), "below https example.com any");
  EXPECT_EQ(Read<OriginPattern>("http://[::1]:*"), "exact http ::1 any");
  for (const char* text : {"app://.", "file://", "capacitor://localhost", "chrome-extension://Ab",
                           "tauri://localhost:1420", "vscode-webview://0f/x"}) {
    EXPECT_EQ(Read<OriginPattern>(text), std::string("text ") + text);
  }
  EXPECT_EQ(Read<OriginPattern>("APP://Local"), "text app://Local");
}

TEST(OriginSyntaxTest, SaysWhatIsWrong) {
  EXPECT_EQ(Read<OriginPattern>("app.example.com"),
            "! has no scheme; write https://app.example.com");
  EXPECT_EQ(Read<OriginPattern>("https://a.example/"),
            "! has something after the host; write https://a.example");
  EXPECT_EQ(Read<OriginPattern>("https://a.example?x"),
            "! has something after the host; write https://a.example");
  EXPECT_EQ(Read<OriginPattern>("https://*"),
            "! has '*' for a host; write \"*\" alone for every origin");
  EXPECT_EQ(Read<OriginPattern>("https://a.*.example"),
            "! has a '*' that is not the whole first label; write for example \"*.example.org\"");
  EXPECT_EQ(Read<OriginPattern>("https://*.10.0.0.1"), "! has a wildcard before an address");
  EXPECT_EQ(Read<OriginPattern>("https://u:p@a.example"),
            "! has a user name or password in it; leave out what is before '@' (hidden)");
  EXPECT_EQ(Read<OriginPattern>("https://a.example:0"), "! has port 0");
  EXPECT_EQ(Read<OriginPattern>("https://a.example.."), "! has an extra dot in its host");
  EXPECT_EQ(Read<OriginPattern>("https://"), "! is not host:port: no host before the port");
  EXPECT_EQ(Read<OriginPattern>("http://*:*"),
            "! has '*' for a host; write \"*\" alone for every origin");
  EXPECT_EQ(Read<OriginPattern>("http://a.example:80:*").substr(0, 2), "! ");
  EXPECT_EQ(Read<OriginPattern>("http://:*").substr(0, 2), "! ");
  EXPECT_EQ(Read<OriginPattern>("app://*"),
            "! has a '*'; origins with schemes other than http and https are compared as text");
  EXPECT_EQ(Read<OriginPattern>("app://a b"), "! has a character that is not allowed in origins");
  EXPECT_EQ(Read<OriginPattern>("1x://a"), "! ");
  EXPECT_EQ(Read<OriginPattern>("https://\xc3\xa4.example"),
            "! is not host:port: a character that is not allowed in host names");
}

TEST(PathSyntaxTest, IsExactOrAPrefixOrARegularExpression) {
  EXPECT_EQ(Read<PathPattern>("/"), "exact [/] /");
  EXPECT_EQ(Read<PathPattern>("/mqtt"), "exact [/mqtt] /mqtt");
  EXPECT_EQ(Read<PathPattern>("/live/*"), "prefix [/live] /live/*");
  EXPECT_EQ(Read<PathPattern>("/*"), "prefix [] /*");
  EXPECT_EQ(Read<PathPattern>("/a b/\xc3\xa4"), "exact [/a b/\xc3\xa4] /a b/\xc3\xa4");
  EXPECT_EQ(Read<PathPattern>("/a..b/.c"), "exact [/a..b/.c] /a..b/.c");
  EXPECT_EQ(Read<PathPattern>("~^/v[0-9]+/"), "regex [^/v[0-9]+/] ~^/v[0-9]+/");
}

TEST(PathSyntaxTest, SaysWhatIsWrong) {
  EXPECT_EQ(Read<PathPattern>("live"), "! does not begin with '/' or '~'; write /live");
  EXPECT_EQ(Read<PathPattern>("*"), "! does not begin with '/'; write /* for every path");
  EXPECT_EQ(Read<PathPattern>(""),
            "! does not begin with '/' or '~'; write /exact, /prefix/* or ~regex");
  EXPECT_EQ(Read<PathPattern>("^/t$"), "! does not begin with '/' or '~'; write ~^/t$");
  EXPECT_EQ(Read<PathPattern>("=/t"), "! does not begin with '/' or '~'; write /t");
  EXPECT_EQ(Read<PathPattern>("= /t"), "! does not begin with '/' or '~'; write /t");
  EXPECT_EQ(Read<PathPattern>("^~ /t/"), "! does not begin with '/' or '~'; write /t/*");
  EXPECT_EQ(Read<PathPattern>("^~ /t"), "! does not begin with '/' or '~'; write /t/*");
  EXPECT_EQ(Read<PathPattern>("https://u:secret@h/x"),
            "! has a user name or password in it; leave out what is before '@' (hidden)");
  EXPECT_EQ(Read<PathPattern>("http://a.example/t"),
            "! is a URL; write /t, and hosts: [ a.example ]");
  EXPECT_EQ(Read<PathPattern>("PathPrefix(`/t`)"),
            "! does not begin with '/' or '~'; write /exact, /prefix/* or ~regex");
  EXPECT_EQ(Read<PathPattern>("~* ^/t"),
            "! is not a regular expression as it is written here; write ~(?i)^/t");
  EXPECT_EQ(Read<PathPattern>("/%zz"), "! has a '%'; write a regular expression, ~^/100%$");
  EXPECT_EQ(Read<PathPattern>("/live*"),
            "! has a '*' that is not its whole last segment; write /live/*");
  EXPECT_EQ(Read<PathPattern>("/a/*/b"),
            "! has a '*' that is not its whole last segment; write /a/*");
  EXPECT_EQ(Read<PathPattern>("/a/**"),
            "! has a '*' that is not its whole last segment; write /a/*");
  EXPECT_EQ(Read<PathPattern>("/a?b=c"), "! has a query; write /a");
  EXPECT_EQ(Read<PathPattern>("/a#b"), "! has a fragment; write /a");
  EXPECT_EQ(Read<PathPattern>("/a%20b"), "! is percent-encoded; write it decoded: /a b");
  EXPECT_EQ(Read<PathPattern>("/a%/*"), "! has a '%'; write a regular expression, ~^/100%$");
  EXPECT_EQ(Read<PathPattern>("/a/../b"),
            "! has a segment '.' or '..'; requests are routed without dot segments");
  EXPECT_EQ(Read<PathPattern>("/./*"),
            "! has a segment '.' or '..'; requests are routed without dot segments");
  EXPECT_EQ(Read<PathPattern>("/a\nb"), "! has a control character in it");
  EXPECT_EQ(Read<PathPattern>("~"),
            "! has no regular expression after '~'; write for example ~^/v[0-9]+/");
  EXPECT_EQ(Read<PathPattern>("~^/(a"), "! is not a regular expression; missing ): ^/(a");
  EXPECT_EQ(
      Read<PathPattern>("~(?=a)").find("! is not a regular expression; invalid perl operator"), 0u);
  EXPECT_EQ(
      Read<PathPattern>(R"(~^/[\pL]{100})"),
      "! is too large: it takes more than 1 MiB when compiled; a class such as [\\pL] counts as "
      "often as it is repeated");
  EXPECT_EQ(Read<PathPattern>("~((a{1000}){1000})").find("! is not a regular expression; "), 0u);
}

TEST(HostSyntaxTest, IsANameOrAWildcardOrAnAddress) {
  EXPECT_EQ(Read<HostPattern>("App.Example.COM"), "exact app.example.com");
  EXPECT_EQ(Read<HostPattern>("*.Example.org"), "below example.org");
  EXPECT_EQ(Read<HostPattern>("[2001:DB8:0::1]"), "exact 2001:db8::1");
  EXPECT_EQ(Read<HostPattern>("::1"), "exact ::1");
  EXPECT_EQ(Read<HostPattern>("10.0.0.1"), "exact 10.0.0.1");
  EXPECT_EQ(Read<HostPattern>("A.example."), "exact a.example");
  EXPECT_EQ(Read<HostPattern>("*.example.org."), "below example.org");
}

TEST(HostSyntaxTest, SaysWhatIsWrong) {
  EXPECT_EQ(Read<HostPattern>("a.example:80"),
            "! has a port; write a.example; hosts match on every port");
  EXPECT_EQ(Read<HostPattern>("*.a.example:80"),
            "! has a port; write *.a.example; hosts match on every port");
  EXPECT_EQ(Read<HostPattern>("[::1]:80"), "! has a port; write [::1]; hosts match on every port");
  EXPECT_EQ(Read<HostPattern>("https://a.example"), "! is a URL; write a.example");
  EXPECT_EQ(Read<HostPattern>("*"), "! is not a host; leave out hosts to match any");
  EXPECT_EQ(Read<HostPattern>("a.*"),
            "! has a '*' that is not the whole first label; write for example \"*.example.org\"");
  EXPECT_EQ(Read<HostPattern>("*.10.0.0.1"), "! has a wildcard before an address");
  EXPECT_EQ(Read<HostPattern>("*."), "! has no host");
  EXPECT_EQ(Read<HostPattern>(""), "! has no host");
  EXPECT_EQ(Read<HostPattern>("a.example.."), "! has an extra dot in its host");
  EXPECT_EQ(Read<HostPattern>("."), "! has an extra dot in its host");
  EXPECT_EQ(Read<HostPattern>("[a]"), "! has no IPv6 address between '[' and ']'");
  EXPECT_EQ(Read<HostPattern>("a.example/x"),
            "! has a character that is not allowed in host names");
  EXPECT_EQ(Read<HostPattern>("\xc3\xa4.example"),
            "! has a character that is not allowed in host names; write international names in "
            "their xn-- form");
  EXPECT_EQ(Read<HostPattern>(std::string(300, 'a')), "! has a host of more than 253 characters");
}

TEST(HostNameSyntaxTest, HasNoPortAndNoScheme) {
  EXPECT_EQ(Read<HostName>("Mail.example"), "Mail.example");
  EXPECT_EQ(Read<HostName>("[::1]"), "::1");
  EXPECT_EQ(Read<HostName>("a.example:443"), "! has a port or scheme; write the name alone");
  EXPECT_EQ(Read<HostName>("https://a.example"), "! has a port or scheme; write the name alone");
  EXPECT_EQ(Read<HostName>(""), "! has no host");
}

}  // namespace
}  // namespace upgate::config
