// Routes with conditions, through the whole gateway.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"

namespace upgate::test::matching_test {
namespace {

std::string Ask(std::string_view method, std::string_view path, std::string_view fields = "") {
  return std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: a.example\r\n" +
         std::string(fields) + "\r\n";
}

// Which of the redirects answers.
std::string LocationOf(GatewayClient client, std::string_view request) {
  client.Send(request);
  const ResponseHead head = client.Head();
  return head.Get("Location").value_or(std::to_string(head.status));
}

std::string To(std::string_view path, std::string_view match) {
  return "  - { path: /a, plugin: redirect, options: { to: " + std::string(path) + " }" +
         (match.empty() ? "" : ", match: { " + std::string(match) + " }") + " }\n";
}

TEST(Matching, TheRouteWithTheMostConditionsThatHold) {
  TestGateway gw("routes:\n" + To("/any", "") + To("/put", "methods: [ PUT ]") +
                 To("/v2", "headers: { X-V: \"2\" }") +
                 To("/both", "methods: [ PUT ], headers: { X-V: \"2\" }"));
  EXPECT_EQ(LocationOf(gw.Connect(), Ask("GET", "/a")), "/any");
  EXPECT_EQ(LocationOf(gw.Connect(), Ask("PUT", "/a")), "/put");
  EXPECT_EQ(LocationOf(gw.Connect(), Ask("GET", "/a", "X-V: 2\r\n")), "/v2");
  EXPECT_EQ(LocationOf(gw.Connect(), Ask("PUT", "/a", "x-v: 2\r\n")), "/both");
}

TEST(Matching, AnotherMethodIs405AndAllElse404) {
  TestGateway gw("routes:\n" + To("/x", "methods: [ GET, PUT ]") +
                 "  - { path: /b, plugin: stats, match: { query: { q: present } } }\n");
  auto client = gw.Connect();
  client.Send(Ask("DELETE", "/a"));
  const ResponseHead head = client.Head();
  EXPECT_EQ(head.status, 405);
  EXPECT_EQ(head.Get("Allow"), "GET, HEAD, PUT");
  EXPECT_EQ(client.Body(head), "this method is not served here\n");
  EXPECT_EQ(LocationOf(gw.Connect(), Ask("GET", "/b")), "404");
  EXPECT_EQ(LocationOf(gw.Connect(), Ask("GET", "/b?q")), "200");
  EXPECT_EQ(gw.loop_stats().unrouted.Get(), 2u);
}

TEST(Matching, ByListenerAndByClient) {
  TestGateway gw(
      "listeners:\n"
      "  - { address: \"127.0.0.1:80\", name: outside, trusted_proxies: [ 10.0.0.0/8 ] }\n"
      "  - { address: \"127.0.0.1:81\", name: inside }\n"
      "routes:\n" +
      To("/inside", "listeners: [ inside ]") + To("/office", "clients: [ 192.0.2.0/24 ]") +
      To("/any", ""));
  EXPECT_EQ(LocationOf(gw.Connect(1), Ask("GET", "/a")), "/inside");
  EXPECT_EQ(LocationOf(gw.Connect(0, Address("192.0.2.9:5")), Ask("GET", "/a")), "/office");
  EXPECT_EQ(LocationOf(gw.Connect(0, Address("192.0.3.9:5")), Ask("GET", "/a")), "/any");
  // As trusted proxies report it, and nobody else.
  const std::string forwarded = Ask("GET", "/a", "X-Forwarded-For: 192.0.2.9\r\n");
  EXPECT_EQ(LocationOf(gw.Connect(0, Address("10.1.1.1:5")), forwarded), "/office");
  EXPECT_EQ(LocationOf(gw.Connect(0, Address("192.0.3.9:5")), forwarded), "/any");
}

TEST(Matching, APreflightFindsTheRouteOfItsMethod) {
  TestGateway gw(
      "routes:\n"
      "  - { path: /a, plugin: stats, match: { methods: [ GET ] },\n"
      "      cors: { allow_origins: [ \"https://page.example\" ], allow_methods: [ GET ] } }\n");
  auto client = gw.Connect();
  client.Send(Ask("OPTIONS", "/a",
                  "Origin: https://page.example\r\nAccess-Control-Request-Method: GET\r\n"));
  const ResponseHead head = client.Head();
  EXPECT_EQ(head.status, 204);
  EXPECT_EQ(head.Get("Access-Control-Allow-Origin"), "https://page.example");
  EXPECT_EQ(LocationOf(gw.Connect(), Ask("OPTIONS", "/a")), "405");
}

TEST(Matching, WebSocketsBySubprotocol) {
  TestGateway gw(
      "backends: { mqtt: { servers: [ \"tcp://127.0.0.1:7001\" ] } }\n"
      "routes:\n"
      "  - { path: /ws, backend: mqtt, subprotocols: [ mqtt ], match: { subprotocols: [ mqtt ] } "
      "}\n"
      "  - { path: /ws, plugin: echo }\n");
  TestServer mqtt(gw.network(), Address("127.0.0.1:7001"));
  auto one = gw.Connect();
  EXPECT_EQ(one.Upgrade("/ws", "Sec-WebSocket-Protocol: mqtt\r\n").status, 101);
  EXPECT_EQ(mqtt.size(), 1u);
  auto other = gw.Connect();
  EXPECT_EQ(other.Upgrade("/ws").status, 101);
  EXPECT_EQ(mqtt.size(), 1u);
}

TEST(Matching, ARegularExpressionBehindNoPrefixAndWithCaptures) {
  TestGateway gw(
      "routes:\n"
      "  - { path: /*, plugin: stats }\n"
      "  - { path: '~^/u/([^/]+)/(.*)$', plugin: redirect,\n"
      "      options: { to: 'https://{host}/users/{capture.1}?f={capture.2}' } }\n");
  EXPECT_EQ(LocationOf(gw.Connect(), Ask("GET", "/u/a%20b/c%0D%22d")),
            "https://a.example/users/a%20b?f=c%0D%22d");
  EXPECT_EQ(LocationOf(gw.Connect(), Ask("GET", "/v")), "200");
}

}  // namespace
}  // namespace upgate::test::matching_test
