#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/route/origin.h"

namespace upgate::route {
namespace {

std::vector<Cidr> Trusted() {
  return {*Cidr::Parse("10.0.0.0/8"), *Cidr::Parse("fd00::/8")};
}

SocketAddress Peer(const std::string& ip) {
  return IpPort{*Ip::Parse(ip), 4711};
}

http::Request RequestTo(const std::string& host, std::uint16_t port,
                        const std::vector<http::Header>& headers = {}) {
  http::Request request;
  request.method = "GET";
  request.target.host = host;
  request.target.port = port;
  for (const auto& [name, value] : headers) request.headers.Add(name, value);
  return request;
}

std::string Url(const SeenAs& seen) {
  return seen.scheme + "://" + HostPort{seen.host, seen.port}.ToString();
}

TEST(SeenByClientTest, WithoutProxies) {
  const SeenAs plain = SeenByClient(RequestTo("a.example", 0), false, Peer("192.0.2.7"), {});
  EXPECT_EQ(Url(plain), "http://a.example:80");
  EXPECT_EQ(plain.client, "192.0.2.7:4711");
  EXPECT_EQ(Url(SeenByClient(RequestTo("a.example", 0), true, Peer("192.0.2.7"), {})),
            "https://a.example:443");
  EXPECT_EQ(Url(SeenByClient(RequestTo("a.example", 8443), true, Peer("192.0.2.7"), {})),
            "https://a.example:8443");
  EXPECT_EQ(Url(SeenByClient(RequestTo("::1", 81), false, Peer("::1"), {})), "http://[::1]:81");
}

const std::vector<http::Header> kForwarded{{"X-Forwarded-For", "198.51.100.9"},
                                           {"X-Forwarded-Proto", "https"},
                                           {"X-Forwarded-Host", "Public.Example"}};

TEST(SeenByClientTest, TrustedPeersAreBelieved) {
  const SeenAs seen =
      SeenByClient(RequestTo("inner", 8080, kForwarded), false, Peer("10.1.2.3"), Trusted());
  EXPECT_EQ(Url(seen), "https://public.example:443");
  EXPECT_EQ(seen.client, "198.51.100.9");
}

TEST(SeenByClientTest, OthersAreNot) {
  for (const auto& trusted : {Trusted(), std::vector<Cidr>{}}) {
    const SeenAs seen =
        SeenByClient(RequestTo("inner", 8080, kForwarded), false, Peer("192.0.2.7"), trusted);
    EXPECT_EQ(Url(seen), "http://inner:8080");
    EXPECT_EQ(seen.client, "192.0.2.7:4711");
  }
}

TEST(SeenByClientTest, UnixPeersAreTrustedWhereAnybodyIs) {
  const SocketAddress peer = UnixPath{"/run/gate.sock"};
  EXPECT_EQ(SeenByClient(RequestTo("inner", 0, kForwarded), false, peer, Trusted()).client,
            "198.51.100.9");
  const SeenAs seen = SeenByClient(RequestTo("inner", 0, kForwarded), false, peer, {});
  EXPECT_EQ(Url(seen), "http://inner:80");
  EXPECT_EQ(seen.client, "unix:/run/gate.sock");
}

TEST(WebSocketUrlTest, IsAsTheClientWroteIt) {
  const auto url = [](const std::string& scheme, const std::string& host, std::uint16_t port,
                      const std::string& path, std::optional<std::string> query = {}) {
    http::Target target;
    target.raw_path = path;
    target.has_query = query.has_value();
    target.query = query.value_or("");
    return WebSocketUrl({.scheme = scheme, .host = host, .port = port, .client = ""}, target);
  };
  EXPECT_EQ(url("http", "a.example", 80, "/demo"), "ws://a.example/demo");
  EXPECT_EQ(url("http", "a.example", 443, "/"), "ws://a.example:443/");
  EXPECT_EQ(url("https", "a.example", 443, "/a%2Fb", "x=1"), "wss://a.example/a%2Fb?x=1");
  EXPECT_EQ(url("https", "a.example", 8443, "/", ""), "wss://a.example:8443/?");
  EXPECT_EQ(url("http", "::1", 80, "/"), "ws://[::1]/");
  EXPECT_EQ(url("http", "::1", 81, "/"), "ws://[::1]:81/");
}

struct ChainCase {
  std::vector<std::string> fields;
  std::string client;
};

class ForwardedFor : public testing::TestWithParam<ChainCase> {};

TEST_P(ForwardedFor, IsWalkedFromTheRight) {
  http::Request request = RequestTo("inner", 0);
  for (const std::string& field : GetParam().fields) request.headers.Add("X-Forwarded-For", field);
  EXPECT_EQ(SeenByClient(request, false, Peer("10.1.2.3"), Trusted()).client, GetParam().client);
}

INSTANTIATE_TEST_SUITE_P(
    Chains, ForwardedFor,
    testing::Values(ChainCase{{}, "10.1.2.3:4711"}, ChainCase{{"198.51.100.9"}, "198.51.100.9"},
                    ChainCase{{"203.0.113.1, 198.51.100.9"}, "198.51.100.9"},
                    ChainCase{{"203.0.113.1, 198.51.100.9, 10.9.9.9"}, "198.51.100.9"},
                    ChainCase{{"203.0.113.1,198.51.100.9 ,10.9.9.9,10.8.8.8"}, "198.51.100.9"},
                    ChainCase{{"203.0.113.1", "198.51.100.9", "10.9.9.9"}, "198.51.100.9"},
                    ChainCase{{"10.7.7.7, 10.9.9.9"}, "10.7.7.7"},
                    ChainCase{{"2001:db8::9, fd00::1"}, "2001:db8::9"},
                    ChainCase{{"[2001:db8::9]:5555, 10.9.9.9:80"}, "2001:db8::9"},
                    ChainCase{{"[2001:db8::9]"}, "2001:db8::9"},
                    ChainCase{{"198.51.100.9:1234"}, "198.51.100.9"},
                    ChainCase{{"198.51.100.9, unknown"}, "10.1.2.3:4711"},
                    ChainCase{{"198.51.100.9, unknown, 10.9.9.9"}, "10.9.9.9"},
                    ChainCase{{"198.51.100.9,"}, "10.1.2.3:4711"},
                    ChainCase{{"198.51.100.9:99999"}, "10.1.2.3:4711"},
                    ChainCase{{"198.51.100.999"}, "10.1.2.3:4711"},
                    ChainCase{{""}, "10.1.2.3:4711"}, ChainCase{{"<script>"}, "10.1.2.3:4711"}));

TEST(SeenByClientTest, LongChainsEnd) {
  std::string chain = "198.51.100.9";
  while (chain.size() < 64 * 1024) chain += ",10.9.9.9";
  const auto request = RequestTo("inner", 0, {{"X-Forwarded-For", chain}});
  EXPECT_EQ(SeenByClient(request, false, Peer("10.1.2.3"), Trusted()).client, "198.51.100.9");
}

struct FieldCase {
  bool tls;
  std::vector<http::Header> headers;
  std::string url;
};

class ForwardedSchemeAndHost : public testing::TestWithParam<FieldCase> {};

TEST_P(ForwardedSchemeAndHost, IsWhatTheClientSees) {
  const auto& [tls, headers, url] = GetParam();
  EXPECT_EQ(Url(SeenByClient(RequestTo("inner", 0, headers), tls, Peer("10.1.2.3"), Trusted())),
            url);
}

const std::string kProto = "X-Forwarded-Proto";
const std::string kHost = "X-Forwarded-Host";

INSTANTIATE_TEST_SUITE_P(
    Cases, ForwardedSchemeAndHost,
    testing::Values(
        FieldCase{false, {{kProto, "https"}}, "https://inner:443"},
        FieldCase{false, {{kProto, "WSS"}}, "https://inner:443"},
        FieldCase{true, {{kProto, "http"}}, "http://inner:80"},
        FieldCase{true, {{kProto, "ws"}}, "http://inner:80"},
        FieldCase{false, {{kProto, "http, https"}}, "https://inner:443"},
        FieldCase{false, {{kProto, "https"}, {kProto, "http"}}, "http://inner:80"},
        FieldCase{false, {{kProto, "gopher"}}, "http://inner:80"},
        FieldCase{true, {{kProto, ""}}, "https://inner:443"},
        FieldCase{false, {{kHost, "a.example"}}, "http://a.example:80"},
        FieldCase{true, {{kHost, "a.example"}}, "https://a.example:443"},
        FieldCase{false, {{kHost, "a.example:8080"}}, "http://a.example:8080"},
        FieldCase{false, {{kHost, "b.example, a.example:81"}}, "http://a.example:81"},
        FieldCase{false, {{kHost, "[2001:DB8:0::1]:81"}}, "http://[2001:db8::1]:81"},
        FieldCase{false, {{kHost, "a.example:"}}, "http://inner:80"},
        FieldCase{false, {{kHost, "a.example/path"}}, "http://inner:80"},
        FieldCase{false, {{kHost, "user@a.example"}}, "http://inner:80"},
        FieldCase{false, {{kHost, "a.example:x"}}, "http://inner:80"},
        FieldCase{false, {{kHost, ""}}, "http://inner:80"},
        FieldCase{false, {{kHost, "A.example."}}, "http://a.example:80"},
        FieldCase{false, {{kHost, "a.example.:81"}}, "http://a.example:81"},
        FieldCase{false, {{kHost, "a.example.."}}, "http://inner:80"},
        FieldCase{false, {{kHost, "a..example"}}, "http://inner:80"},
        FieldCase{false, {{kHost, ".a.example"}}, "http://inner:80"},
        FieldCase{false, {{kHost, "."}}, "http://inner:80"},
        FieldCase{false, {{kProto, "https"}, {kHost, "a.example"}}, "https://a.example:443"}));

TEST(SeenByClientTest, HostsLoseTheDotOfTheRootAndOriginsKeepIt) {
  struct Case {
    const char *host, *origin;
    bool same;
  };
  for (const auto& [host, origin, same] :
       {Case{"a.example.", "http://a.example.", true},
        Case{"a.example.", "http://a.example", false},
        Case{"a.example", "http://a.example.", false}, Case{"a.example", "http://a.example", true},
        Case{"a.example.", "http://a.example..", false}}) {
    const http::Request request = RequestTo(host, 0, {{"Origin", origin}});
    const SeenAs seen = SeenByClient(request, false, Peer("192.0.2.7"), {});
    EXPECT_EQ(Url(seen), "http://a.example:80");
    EXPECT_EQ(JudgeOrigin(request, seen, nullptr, true).allowed, same) << host << " " << origin;
  }
  http::Target target;
  target.raw_path = "/";
  EXPECT_EQ(
      WebSocketUrl(SeenByClient(RequestTo("a.example.", 81), false, Peer("192.0.2.7"), {}), target),
      "ws://a.example.:81/");
  EXPECT_EQ(Url(SeenByClient(RequestTo("::1", 0), false, Peer("::1"), {})), "http://[::1]:80");
}

TEST(SeenByClientTest, APageOfThePublicNameIsOfTheSameOrigin) {
  http::Request request = RequestTo("inner", 8080, kForwarded);
  request.headers.Add("Origin", "https://public.example");
  const SeenAs behind = SeenByClient(request, false, Peer("10.1.2.3"), Trusted());
  EXPECT_TRUE(JudgeOrigin(request, behind, nullptr, true).allowed);
  const SeenAs forged = SeenByClient(request, false, Peer("192.0.2.7"), Trusted());
  EXPECT_FALSE(JudgeOrigin(request, forged, nullptr, true).allowed);
}

}  // namespace
}  // namespace upgate::route
