#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/route/origin.h"
#include "tests/support/cases.h"

namespace upgate::route {
namespace {

config::TrustedProxies Trusted() {
  return {{*Cidr::Parse("10.0.0.0/8"), *Cidr::Parse("fd00::/8")}};
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
  return std::string(seen.scheme) + "://" + HostPort{seen.host, seen.port}.ToString();
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
  for (const auto& trusted : {Trusted(), config::TrustedProxies{}}) {
    const SeenAs seen =
        SeenByClient(RequestTo("inner", 8080, kForwarded), false, Peer("192.0.2.7"), trusted);
    EXPECT_EQ(Url(seen), "http://inner:8080");
    EXPECT_EQ(seen.client, "192.0.2.7:4711");
  }
}

TEST(SeenByClientTest, UnixPeersAreTrustedWhereTheListSaysSo) {
  const SocketAddress peer = UnixPath{"/run/gate.sock"};
  const config::TrustedProxies only_unix{.blocks = {}, .unix_sockets = true};
  const SeenAs seen = SeenByClient(RequestTo("inner", 0, kForwarded), false, peer, only_unix);
  EXPECT_EQ(Url(seen), "https://public.example:443");
  EXPECT_EQ(seen.client, "198.51.100.9");
  EXPECT_TRUE(seen.by_trusted_proxy);
  for (const auto& trusted : {Trusted(), config::TrustedProxies{}}) {
    const SeenAs unseen = SeenByClient(RequestTo("inner", 0, kForwarded), false, peer, trusted);
    EXPECT_EQ(Url(unseen), "http://inner:80");
    EXPECT_EQ(unseen.client, "unix:/run/gate.sock");
  }
  EXPECT_EQ(
      Url(SeenByClient(RequestTo("inner", 0, kForwarded), false, Peer("10.1.2.3"), only_unix)),
      "http://inner:80");
}

TEST(WebSocketUrlTest, IsAsTheClientWroteIt) {
  const auto url = [](const std::string& scheme, const std::string& host, std::uint16_t port,
                      const std::string& path, const std::optional<std::string>& query = {}) {
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

class ForwardedFor : public TestOfCase<ChainCase> {};

TEST_EACH(ForwardedFor, IsWalkedFromTheRight) {
  http::Request request = RequestTo("inner", 0);
  for (const std::string& field : GetParam().fields) request.headers.Add("X-Forwarded-For", field);
  EXPECT_EQ(SeenByClient(request, false, Peer("10.1.2.3"), Trusted()).client, GetParam().client);
}

INSTANTIATE_CASES(Chains, ForwardedFor, ChainCase{{}, "10.1.2.3:4711"},
                  ChainCase{{"198.51.100.9"}, "198.51.100.9"},
                  ChainCase{{"203.0.113.1, 198.51.100.9"}, "198.51.100.9"},
                  ChainCase{{"203.0.113.1, 198.51.100.9, 10.9.9.9"}, "198.51.100.9"},
                  ChainCase{{"203.0.113.1,198.51.100.9 ,10.9.9.9,10.8.8.8"}, "198.51.100.9"},
                  ChainCase{{"203.0.113.1", "198.51.100.9", "10.9.9.9"}, "198.51.100.9"},
                  ChainCase{{"10.7.7.7, 10.9.9.9"}, "10.7.7.7"},
                  ChainCase{{"2001:db8::9, fd00::1"}, "2001:db8::9"},
                  ChainCase{{"[2001:db8::9]:5555, 10.9.9.9:80"}, "2001:db8::9"},
                  ChainCase{{"[2001:db8::9]"}, "2001:db8::9"},
                  ChainCase{{"198.51.100.9:1234"}, "198.51.100.9"},
                  ChainCase{{"198.51.100.9, unknown"}, "unknown"},
                  ChainCase{{"198.51.100.9, unknown, 10.9.9.9"}, "unknown"},
                  ChainCase{{"198.51.100.9,"}, "198.51.100.9"},
                  ChainCase{{"198.51.100.9:99999"}, "unknown"},
                  ChainCase{{"198.51.100.999"}, "unknown"}, ChainCase{{""}, "10.1.2.3:4711"},
                  ChainCase{{"<script>"}, "unknown"});

// A proxy that writes Forwarded may pass on what clients say in X-Forwarded-For.
TEST(SeenByClientTest, AClientThatForwardedHidesIsNotNamedByXForwardedFor) {
  const SeenAs seen = SeenByClient(
      RequestTo("inner", 0, {{"Forwarded", "for=unknown"}, {"X-Forwarded-For", "203.0.113.7"}}),
      false, Peer("10.1.2.3"), Trusted());
  EXPECT_EQ(seen.client, "unknown");
  EXPECT_EQ(seen.overruled, "unknown instead of 203.0.113.7");
}

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

class ForwardedSchemeAndHost : public TestOfCase<FieldCase> {};

TEST_EACH(ForwardedSchemeAndHost, IsWhatTheClientSees) {
  const auto& [tls, headers, url] = GetParam();
  EXPECT_EQ(Url(SeenByClient(RequestTo("inner", 0, headers), tls, Peer("10.1.2.3"), Trusted())),
            url);
}

const std::string kProto = "X-Forwarded-Proto";
const std::string kHost = "X-Forwarded-Host";

INSTANTIATE_CASES(Cases, ForwardedSchemeAndHost,
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
                  FieldCase{false, {{kHost, "a.example:"}}, "http://a.example:80"},
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
                  FieldCase{
                      false, {{kProto, "https"}, {kHost, "a.example"}}, "https://a.example:443"});

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
    EXPECT_EQ(CheckOrigin(request, seen, nullptr, true).allowed, same) << host << " " << origin;
  }
  http::Target target;
  target.raw_path = "/";
  EXPECT_EQ(
      WebSocketUrl(SeenByClient(RequestTo("a.example.", 81), false, Peer("192.0.2.7"), {}), target),
      "ws://a.example.:81/");
  EXPECT_EQ(Url(SeenByClient(RequestTo("::1", 0), false, Peer("::1"), {})), "http://[::1]:80");
}

// ---- chains: every list as long as X-Forwarded-For is read where the evaluation stops

const std::string kFor = "X-Forwarded-For";
const std::string kPort = "X-Forwarded-Port";

struct SeenCase {
  std::vector<http::Header> headers;
  std::string url;
  std::string client;
};

class Chain : public TestOfCase<SeenCase> {};

TEST_EACH(Chain, IsReadWhereTheWalkEnds) {
  const auto& [headers, url, client] = GetParam();
  const SeenAs seen =
      SeenByClient(RequestTo("inner", 8080, headers), false, Peer("10.1.2.3"), Trusted());
  EXPECT_EQ(Url(seen), url);
  EXPECT_EQ(seen.client, client);
  EXPECT_EQ(seen.overruled, "");
  // From all other peers, it is ignored.
  const SeenAs forged =
      SeenByClient(RequestTo("inner", 8080, headers), false, Peer("192.0.2.7"), Trusted());
  EXPECT_EQ(Url(forged), "http://inner:8080");
  EXPECT_EQ(forged.client, "192.0.2.7:4711");
}

INSTANTIATE_CASES(
    XForwarded, Chain,
    SeenCase{{{kFor, "203.0.113.7, 10.0.0.2"}, {kProto, "https,http"}},
             "https://inner:8080",
             "203.0.113.7"},
    SeenCase{{{kFor, "203.0.113.7, 10.0.0.2"}, {kProto, "http,https"}},
             "http://inner:8080",
             "203.0.113.7"},
    // Claims of the client itself are further left, and are ignored.
    SeenCase{{{kFor, "6.6.6.6, 203.0.113.7, 10.0.0.2"},
              {kProto, "http, https, http"},
              {kHost, "evil.example, app.example, mid.example"},
              {kPort, "1, 8443, 2"}},
             "https://app.example:8443",
             "203.0.113.7"},
    SeenCase{{{kFor, "203.0.113.7, 10.0.0.2, 10.0.0.3"},
              {kHost, "app.example:444,b.example,c.example"},
              {kProto, "https, http, http"}},
             "https://app.example:444",
             "203.0.113.7"},
    SeenCase{{{kFor, "203.0.113.7"}, {kFor, "10.0.0.2"}, {kProto, "https"}, {kProto, "http"}},
             "https://inner:8080",
             "203.0.113.7"},
    // All of them are proxies: the outermost is the client.
    SeenCase{
        {{kFor, "10.0.0.9, 10.0.0.2"}, {kProto, "https, http"}}, "https://inner:8080", "10.0.0.9"},
    // A single value was set by the outermost proxy.
    SeenCase{{{kFor, "203.0.113.7, 10.0.0.2, 10.0.0.3"}, {kProto, "https"}, {kHost, "app.example"}},
             "https://app.example:443",
             "203.0.113.7"},
    // In a list of another length, the last element: the peer wrote it.
    SeenCase{{{kFor, "203.0.113.7, 10.0.0.2, 10.0.0.3"}, {kProto, "https, http"}},
             "http://inner:8080",
             "203.0.113.7"},
    SeenCase{{{kFor, "203.0.113.7"}, {kProto, "https, http"}, {kHost, "a.example,b.example"}},
             "http://b.example:80",
             "203.0.113.7"},
    SeenCase{{{kFor, "203.0.113.7, 10.0.0.2"}, {kProto, "https,,http"}},
             "https://inner:8080",
             "203.0.113.7"},
    SeenCase{{{kProto, "http,https"}}, "https://inner:8080", "10.1.2.3:4711"},
    // A malformed address was written by a trusted proxy, and so was the value at the same
    // position.
    SeenCase{{{kFor, "203.0.113.7, unknown, 10.0.0.3"}, {kProto, "http, https, http"}},
             "https://inner:8080",
             "unknown"},
    SeenCase{{{kFor, "unknown"}, {kProto, "https"}}, "https://inner:8080", "unknown"},
    SeenCase{{{kFor, "fe80::1%eth0"}}, "http://inner:8080", "unknown"},
    SeenCase{{{kFor, "203.0.113.7:port"}}, "http://inner:8080", "unknown"},
    SeenCase{{{kFor, "_hidden"}}, "http://inner:8080", "unknown"},
    // Empty elements mean nothing.
    SeenCase{{{kFor, "203.0.113.7,"}, {kFor, ""}, {kProto, "https,"}, {kHost, "app.example ,"}},
             "https://app.example:443",
             "203.0.113.7"},
    SeenCase{{{kFor, ",203.0.113.7,, 10.0.0.2"}, {kProto, "https, http"}},
             "https://inner:8080",
             "203.0.113.7"},
    SeenCase{{{kFor, " , "}, {kProto, ","}}, "http://inner:8080", "10.1.2.3:4711"},
    // An empty port.
    SeenCase{
        {{kHost, "app.example:"}, {kProto, "https"}}, "https://app.example:443", "10.1.2.3:4711"});

INSTANTIATE_CASES(Port, Chain,
                  SeenCase{
                      {{kProto, "https"}, {kPort, "443"}}, "https://inner:443", "10.1.2.3:4711"},
                  SeenCase{{{kPort, "8443"}, {kHost, "app.example"}, {kProto, "https"}},
                           "https://app.example:8443",
                           "10.1.2.3:4711"},
                  // The client wrote this one itself.
                  SeenCase{{{kPort, "443"}, {kHost, "app.example:8443"}, {kProto, "https"}},
                           "https://app.example:8443",
                           "10.1.2.3:4711"},
                  SeenCase{{{kPort, "443"}, {kHost, "[2001:db8::1]"}},
                           "http://[2001:db8::1]:443",
                           "10.1.2.3:4711"},
                  SeenCase{{{kPort, "0"}}, "http://inner:8080", "10.1.2.3:4711"},
                  SeenCase{{{kPort, "65536"}}, "http://inner:8080", "10.1.2.3:4711"},
                  SeenCase{{{kPort, "+80"}}, "http://inner:8080", "10.1.2.3:4711"},
                  SeenCase{{{kPort, "https"}}, "http://inner:8080", "10.1.2.3:4711"});

INSTANTIATE_CASES(
    Rfc7239, Chain,
    SeenCase{{{"Forwarded", "for=203.0.113.7;proto=https;host=app.example"}},
             "https://app.example:443",
             "203.0.113.7"},
    SeenCase{{{"Forwarded", "For=\"203.0.113.7:4711\";Proto=HTTPS;Host=\"app.example:8443\""}},
             "https://app.example:8443",
             "203.0.113.7"},
    SeenCase{{{"Forwarded", "for=\"[2001:db8::9]:4711\";by=_x;proto=wss"}},
             "https://inner:8080",
             "2001:db8::9"},
    SeenCase{{{"Forwarded", "for=\"[2001:db8::9]:_hidden\""}}, "http://inner:8080", "2001:db8::9"},
    SeenCase{{{"Forwarded", "for=[2001:db8::9];host=app.example:81"}},
             "http://app.example:81",
             "2001:db8::9"},
    SeenCase{{{"Forwarded", "for=\"\\203.0.113.\\7\" ; proto=https"}},
             "https://inner:8080",
             "203.0.113.7"},
    // Elements in one field and in several, a quoted comma, an empty element.
    SeenCase{{{"Forwarded",
               "for=203.0.113.7;proto=https;host=app.example, for=10.0.0.2;proto=http;host=b"}},
             "https://app.example:443",
             "203.0.113.7"},
    SeenCase{{{"Forwarded", "for=6.6.6.6;host=evil.example"},
              {"Forwarded", "for=203.0.113.7;proto=https;host=app.example,,"},
              {"Forwarded", "for=10.0.0.2;ext=\"a, for=6.6.6.6\""}},
             "https://app.example:443",
             "203.0.113.7"},
    // Names instead of addresses: the proxy that wrote them is trusted.
    SeenCase{{{"Forwarded", "for=_client-1;proto=https;host=app.example"}},
             "https://app.example:443",
             "_client-1"},
    SeenCase{{{"Forwarded", "for=unknown;proto=https"}}, "https://inner:8080", "unknown"},
    SeenCase{{{"Forwarded", "for=203.0.113.7, for=unknown, for=10.0.0.2"}},
             "http://inner:8080",
             "unknown"},
    SeenCase{{{"Forwarded", "for=203.0.113.7;for=203.0.113.7"}}, "http://inner:8080", "unknown"},
    SeenCase{{{"Forwarded", "proto=https, for=10.0.0.2"}}, "https://inner:8080", "unknown"},
    SeenCase{{{"Forwarded", "host=\"app.example:\";proto=https"}},
             "https://app.example:443",
             "10.1.2.3:4711"},
    SeenCase{{{"Forwarded", "proto=https;host=app.example"}},
             "https://app.example:443",
             "10.1.2.3:4711"},
    SeenCase{{{"Forwarded", "for=6.6.6.6;proto=http, for=_a, for=10.0.0.2;proto=https"}},
             "http://inner:8080",
             "_a"},
    SeenCase{{{"Forwarded", "for=\"_<script>\";proto=https"}}, "https://inner:8080", "unknown"},
    // A client begins a quoted string to spoil what follows.
    SeenCase{{{"Forwarded", "for=\"6.6.6.6, for=203.0.113.7;proto=https"}},
             "https://inner:8080",
             "203.0.113.7"},
    SeenCase{{{"Forwarded", "x=\"\\, for=203.0.113.7;host=\"app.example\""}},
             "http://app.example:80",
             "203.0.113.7"},
    SeenCase{{{"Forwarded", "for=6.6.6.6;for=6.6.6.7, for=10.0.0.2;proto=https"}},
             "https://inner:8080",
             "unknown"},
    // Malformed elements say nothing but that there is a client.
    SeenCase{
        {{"Forwarded", "for=203.0.113.7;proto=https;proto=http"}}, "http://inner:8080", "unknown"},
    SeenCase{{{"Forwarded", "for = 203.0.113.7"}}, "http://inner:8080", "unknown"},
    SeenCase{{{"Forwarded", "for=203.0.113.7 proto=https"}}, "http://inner:8080", "unknown"},
    SeenCase{{{"Forwarded", "for=203.0.113.7;host=\"a b\";proto=gopher"}},
             "http://inner:8080",
             "203.0.113.7"},
    SeenCase{{{"Forwarded", ""}}, "http://inner:8080", "10.1.2.3:4711"},
    // Missing parameters are taken from the other fields.
    SeenCase{{{"Forwarded", "for=203.0.113.7"}, {kProto, "https"}, {kHost, "app.example"}},
             "https://app.example:443",
             "203.0.113.7"},
    SeenCase{{{"Forwarded", "host=app.example"}, {kProto, "https"}, {kPort, "8443"}},
             "https://app.example:443",
             "10.1.2.3:4711"});

TEST(SeenByClientTest, ForwardedTakesPrecedence) {
  const SeenAs seen =
      SeenByClient(RequestTo("inner", 0,
                             {{"Forwarded", "for=203.0.113.7;proto=https;host=app.example"},
                              {kFor, "198.51.100.9"},
                              {kProto, "http"},
                              {kHost, "other.example"},
                              {kPort, "81"}}),
                   false, Peer("10.1.2.3"), Trusted());
  EXPECT_EQ(Url(seen), "https://app.example:443");
  EXPECT_EQ(seen.client, "203.0.113.7");
  EXPECT_EQ(seen.overruled,
            "203.0.113.7 instead of 198.51.100.9, https instead of http, app.example instead of "
            "other.example");
}

TEST(SeenByClientTest, LongForwardedFieldsEnd) {
  for (const std::string& piece : {std::string(",for=10.9.9.9"), std::string(",x=\"a"),
                                   std::string(","), std::string(";a=b"), std::string("\\\"")}) {
    std::string chain = "for=198.51.100.9";
    while (chain.size() < 64 * 1024) chain += piece;
    SeenByClient(RequestTo("inner", 0, {{"Forwarded", chain}}), false, Peer("10.1.2.3"), Trusted());
  }
  std::string chain = "for=198.51.100.9";
  while (chain.size() < 64 * 1024) chain += ",for=10.9.9.9";
  EXPECT_EQ(SeenByClient(RequestTo("inner", 0, {{"Forwarded", chain}}), false, Peer("10.1.2.3"),
                         Trusted())
                .client,
            "198.51.100.9");
}

TEST(SeenByClientTest, APageBehindTwoProxiesIsOfTheSameOrigin) {
  http::Request request =
      RequestTo("app.example", 0, {{kFor, "203.0.113.7, 10.0.0.2"}, {kProto, "https,http"}});
  request.headers.Add("Origin", "https://app.example");
  const SeenAs seen = SeenByClient(request, false, Peer("10.1.2.3"), Trusted());
  EXPECT_TRUE(CheckOrigin(request, seen, nullptr, true).allowed);
}

TEST(SeenByClientTest, APageOfThePublicNameIsOfTheSameOrigin) {
  http::Request request = RequestTo("inner", 8080, kForwarded);
  request.headers.Add("Origin", "https://public.example");
  const SeenAs behind = SeenByClient(request, false, Peer("10.1.2.3"), Trusted());
  EXPECT_TRUE(CheckOrigin(request, behind, nullptr, true).allowed);
  const SeenAs forged = SeenByClient(request, false, Peer("192.0.2.7"), Trusted());
  EXPECT_FALSE(CheckOrigin(request, forged, nullptr, true).allowed);
}

TEST(ClientAddressTest, ReadsEveryFormOfAClientsName) {
  EXPECT_EQ(ClientAddress("10.0.0.1:5000"), Ip::Parse("10.0.0.1"));
  EXPECT_EQ(ClientAddress("10.0.0.1"), Ip::Parse("10.0.0.1"));
  EXPECT_EQ(ClientAddress("[2001:db8::1]:5000"), Ip::Parse("2001:db8::1"));
  EXPECT_EQ(ClientAddress("2001:db8::1"), Ip::Parse("2001:db8::1"));
  for (const std::string_view text :
       {"", "unix:/run/x.sock", "_hidden", "[", "[]", ":80", "unknown"})
    EXPECT_FALSE(ClientAddress(text)) << text;
}

TEST(ClientAddressTest, WithoutPortKeepsWhatIsNoAddress) {
  EXPECT_EQ(WithoutPort("10.0.0.1:5000"), "10.0.0.1");
  EXPECT_EQ(WithoutPort("[2001:db8::1]:5000"), "2001:db8::1");
  EXPECT_EQ(WithoutPort("_hidden"), "_hidden");
}

}  // namespace
}  // namespace upgate::route
