#include "gateway/ws/handshake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ws/wire.h"

namespace upgate::ws {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";

http::Request Upgrade() {
  http::Request request;
  request.method = "GET";
  request.wants_upgrade = true;
  request.headers = {{"Host", "example.com"},
                     {"Connection", "keep-alive, Upgrade"},
                     {"Upgrade", "websocket"},
                     {"Sec-WebSocket-Key", std::string(kKey)},
                     {"Sec-WebSocket-Version", "13"}};
  return request;
}

std::vector<std::string> Lines(const http::Headers& headers) {
  std::vector<std::string> lines;
  for (const http::Header& field : headers) lines.push_back(field.name + ": " + field.value);
  return lines;
}

// The refusal of `request`, which must be a complete response with a reason.
http::Response Refusal(const http::Request& request) {
  auto offer = ReadOffer(request);
  EXPECT_FALSE(offer);
  if (offer) return {};
  EXPECT_FALSE(offer.error().body.empty());
  EXPECT_NE(offer.error().headers.Find("Content-Type"), nullptr);
  return std::move(offer.error());
}

std::string Value(const http::Response& response, std::string_view name) {
  const std::string* value = response.headers.Find(name);
  return value == nullptr ? "(none)" : *value;
}

TEST(IsHandshake, TakesTheFieldsOfADialect) {
  using enum config::Dialect;
  const auto with = [](const http::Headers& fields, std::string_view upgrade = "websocket",
                       std::string_view method = "GET") {
    http::Request request;
    request.method = method;
    request.wants_upgrade = true;
    request.headers = {{"Connection", "upgrade"}, {"Upgrade", upgrade}};
    for (const http::Header& field : fields) request.headers.Add(field.name, field.value);
    return request;
  };
  const http::Headers version{{"sec-websocket-version", "13"}};
  const http::Headers key{{"Sec-WebSocket-Key", "x"}};
  const http::Headers both{{"Sec-WebSocket-Version", "7"}, {"Sec-WebSocket-Key", ""}};
  const http::Headers keys{{"Sec-WebSocket-Key1", "1 2"}, {"Sec-WebSocket-Key2", "3 4"}};
  const http::Headers origin{{"Origin", "https://a.example"}};
  const config::DialectSet usual{kRfc6455}, all{kRfc6455, kHybi08, kHixie76, kHixie75};
  for (const config::DialectSet spoken : {usual, all}) {
    EXPECT_TRUE(IsHandshake(with(both), spoken));  // invalid, but still a handshake
    EXPECT_TRUE(IsHandshake(with(both, "h2c, WebSocket"), spoken));
    EXPECT_TRUE(IsHandshake(with(keys), spoken));
    EXPECT_FALSE(IsHandshake(with({}), spoken));
    EXPECT_FALSE(IsHandshake(with(version), spoken));
    EXPECT_FALSE(IsHandshake(with(key), spoken));
    EXPECT_FALSE(IsHandshake(with(origin), spoken));
    EXPECT_FALSE(IsHandshake(with({{"Sec-WebSocket-Key1", "1 2"}}), spoken));
    EXPECT_FALSE(IsHandshake(with(both, "h2c"), spoken));
    for (const std::string_view method : {"POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"})
      EXPECT_FALSE(IsHandshake(with(both, "websocket", method), spoken)) << method;
    http::Request unasked = with(both);
    unasked.wants_upgrade = false;  // HTTP/1.0, a body, or Connection does not name it
    EXPECT_FALSE(IsHandshake(unasked, spoken));
  }
  EXPECT_TRUE(IsHandshake(with(origin, "WebSocket"), all));
  EXPECT_FALSE(IsHandshake(with(origin, "WebSocket"), usual));
  EXPECT_FALSE(IsHandshake(with({}, "WebSocket"), all));
}

TEST(AcceptKey, VectorsOfTheStandardAndOfThisProduct) {
  EXPECT_EQ(AcceptKey(kKey), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(AcceptKey("uRovscZjNol/umbTt5uKmw=="), "rLHCkw/SKsO9GAH/ZSFhBATDKrU=");
}

TEST(ReadOffer, TakesAHandshake) {
  const auto offer = ReadOffer(Upgrade());
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->key, kKey);
  EXPECT_THAT(offer->subprotocols, IsEmpty());
}

TEST(ReadOffer, TheUpgradeTokenMayStandInAListInAnyCase) {
  for (const std::string_view value :
       {"WebSocket", "WEBSOCKET", "h2c, websocket", "foo/1 , WebSocket,"}) {
    http::Request request = Upgrade();
    request.headers.Set("Upgrade", value);
    EXPECT_TRUE(ReadOffer(request)) << value;
  }
}

TEST(ReadOffer, OtherMethodsAreRefusedWith405) {
  for (const std::string_view method : {"POST", "HEAD", "OPTIONS", "PUT", "CONNECT", "get"}) {
    http::Request request = Upgrade();
    request.method = method;
    const http::Response response = Refusal(request);
    EXPECT_EQ(response.status, 405);
    EXPECT_EQ(Value(response, "Allow"), "GET");
  }
}

void ExpectUpgradeRequired(const http::Request& request) {
  const http::Response response = Refusal(request);
  EXPECT_EQ(response.status, 426);
  EXPECT_EQ(Value(response, "Upgrade"), "websocket");
  EXPECT_EQ(Value(response, "Connection"), "Upgrade");
}

TEST(ReadOffer, OtherRequestsAreRefusedWith426) {
  http::Request plain = Upgrade();
  plain.wants_upgrade = false;
  ExpectUpgradeRequired(plain);

  http::Request other = Upgrade();
  other.headers.Set("Upgrade", "h2c, websocket2");
  ExpectUpgradeRequired(other);

  http::Request none = Upgrade();
  none.headers.Remove("Upgrade");
  ExpectUpgradeRequired(none);

  for (const http::Version version : {http::Version::kHttp10, http::Version::kHttp2}) {
    http::Request old = Upgrade();
    old.version = version;
    ExpectUpgradeRequired(old);
  }
}

TEST(ReadOffer, OtherVersionsAreToldTheSupportedOne) {
  for (const std::string_view version : {"8", "12", "14", "", "013", "13, 8", "abc"}) {
    http::Request request = Upgrade();
    request.headers.Set("Sec-WebSocket-Version", version);
    ExpectUpgradeRequired(request);
    EXPECT_EQ(Value(Refusal(request), "Sec-WebSocket-Version"), "13");
  }
  http::Request missing = Upgrade();
  missing.headers.Remove("Sec-WebSocket-Version");
  EXPECT_EQ(Value(Refusal(missing), "Sec-WebSocket-Version"), "13");
  http::Request twice = Upgrade();
  twice.headers.Add("Sec-WebSocket-Version", "13");
  EXPECT_EQ(Refusal(twice).status, 426);
}

TEST(ReadOffer, TheKeyIsSixteenBytesOfBase64) {
  for (const std::string_view key :
       {"", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===",
        "dGhlIHNhbXBsZSBub25jZTE=", "dGhlIHNhbXBsZSBub25jZTEy", "dGhlIHNhbXBsZSBub25j",
        "dGhlIHNhbXBsZSBub25jZQ==AAAA",
        "dGhlIHNhbXBsZSBub2*jZQ==", " GhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j-_=="}) {
    http::Request request = Upgrade();
    request.headers.Set("Sec-WebSocket-Key", key);
    EXPECT_EQ(Refusal(request).status, 400) << key;
  }
  http::Request missing = Upgrade();
  missing.headers.Remove("Sec-WebSocket-Key");
  EXPECT_EQ(Refusal(missing).status, 400);
  http::Request twice = Upgrade();
  twice.headers.Add("sec-websocket-key", kKey);
  EXPECT_EQ(Refusal(twice).status, 400);
}

TEST(ReadOffer, TheBitsUnderThePaddingOfAKeyDoNotMatter) {
  // The first is the example of RFC 6455, section 4.1.
  for (const std::string_view key :
       {"AQIDBAUGBwgJCgsMDQ4PEC==", "dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSBub25jZf==",
        "//////////////////////==", "++++++++++++++++++++++=="}) {
    http::Request request = Upgrade();
    request.headers.Set("Sec-WebSocket-Key", key);
    const auto offer = ReadOffer(request);
    ASSERT_TRUE(offer) << key;
    EXPECT_EQ(offer->key, key);  // from which Sec-WebSocket-Accept is computed
  }
}

TEST(ReadOffer, AServerThatAnswersJudgesTheKey) {
  const auto read = [](const http::Request& request) {
    return ReadOffer(request, {config::Dialect::kRfc6455}, Answerer::kServer);
  };
  for (const std::string_view key : {"short", "dGhlIHNhbXBsZSBub25jZTEy", "x3JJHMbDL1EzLkh9GBhXDw",
                                     "not base64 at all!", "AQIDBAUGBwgJCgsMDQ4PEC=="}) {
    http::Request request = Upgrade();
    request.headers.Set("Sec-WebSocket-Key", key);
    const auto offer = read(request);
    ASSERT_TRUE(offer) << key;
    EXPECT_EQ(offer->key, key);
  }
  // Ambiguous or malformed values.
  http::Request twice = Upgrade();
  twice.headers.Add("Sec-WebSocket-Key", kKey);
  EXPECT_EQ(read(twice).error().status, 400);
  http::Request empty = Upgrade();
  empty.headers.Set("Sec-WebSocket-Key", "");
  EXPECT_EQ(read(empty).error().status, 400);
  http::Request missing = Upgrade();
  missing.headers.Remove("Sec-WebSocket-Key");
  EXPECT_EQ(read(missing).error().status, 400);
}

TEST(ReadOffer, ABodyIsRefused) {
  http::Request request = Upgrade();
  request.has_body = true;
  EXPECT_EQ(Refusal(request).status, 400);
}

TEST(ReadOffer, SubprotocolsKeepTheirOrderOverAllFields) {
  http::Request request = Upgrade();
  request.headers.Add("Sec-WebSocket-Protocol", "mqtt, v1.example.org");
  request.headers.Add("sec-websocket-protocol", "chat");
  const auto offer = ReadOffer(request);
  ASSERT_TRUE(offer);
  EXPECT_THAT(offer->subprotocols, ElementsAre("mqtt", "v1.example.org", "chat"));
}

TEST(ReadOffer, SubprotocolsOffTheGrammarAreKeptAsText) {
  const auto read = [](std::initializer_list<std::string_view> fields) {
    http::Request request = Upgrade();
    for (const std::string_view field : fields)
      request.headers.Add("Sec-WebSocket-Protocol", field);
    const auto offer = ReadOffer(request);
    EXPECT_TRUE(offer);
    return offer ? offer->subprotocols : std::vector<std::string>{"(refused)"};
  };
  EXPECT_THAT(read({"bearer, YWJj/ZGU="}), ElementsAre("bearer", "YWJj/ZGU="));
  EXPECT_THAT(read({"a, b, a"}), ElementsAre("a", "b", "a"));
  EXPECT_THAT(read({"a", "a"}), ElementsAre("a", "a"));
  EXPECT_THAT(read({"two words,, \"a\""}), ElementsAre("two words", "\"a\""));
  EXPECT_THAT(read({"\u00e9;x", "a\tb"}), ElementsAre("\u00e9;x", "a\tb"));
  EXPECT_THAT(read({" , ,"}), IsEmpty());
  EXPECT_THAT(read({""}), IsEmpty());
}

TEST(ChooseSubprotocol, IsTheFirstOfTheClientThatIsServed) {
  const Offer offer{"", {"x", "mqtt", "chat"}};
  const std::vector<std::string> served = {"chat", "mqtt"};
  EXPECT_EQ(ChooseSubprotocol(offer, served), "mqtt");
  EXPECT_FALSE(ChooseSubprotocol(offer, std::vector<std::string>{"MQTT"}));
  EXPECT_FALSE(ChooseSubprotocol(Offer{}, served));
  EXPECT_FALSE(ChooseSubprotocol(offer, {}));
  EXPECT_EQ(ChooseSubprotocol(Offer{"", {"a/b", "chat", "chat"}}, served), "chat");
}

TEST(Accept, IsTheAnswerThatThisProductIsKnownBy) {
  const http::Header cors[] = {{"Access-Control-Allow-Origin", "http://websocket.org"},
                               {"Access-Control-Allow-Credentials", "true"},
                               {"Access-Control-Allow-Headers", "content-type"}};
  const http::Response response = Accept({"uRovscZjNol/umbTt5uKmw==", {}},
                                         {"Fri, 10 Feb 2012 17:38:18 GMT", "upgate", "", cors});
  EXPECT_EQ(response.status, 101);
  EXPECT_EQ(response.reason, "WebSocket Protocol Handshake");
  EXPECT_EQ(response.body, "");
  EXPECT_THAT(
      Lines(response.headers),
      ElementsAre("Date: Fri, 10 Feb 2012 17:38:18 GMT", "Connection: Upgrade", "Server: upgate",
                  "Upgrade: WebSocket", "Access-Control-Allow-Origin: http://websocket.org",
                  "Access-Control-Allow-Credentials: true",
                  "Sec-WebSocket-Accept: rLHCkw/SKsO9GAH/ZSFhBATDKrU=",
                  "Access-Control-Allow-Headers: content-type"));
}

TEST(Accept, PutsEachFieldInItsPlace) {
  const http::Header cors[] = {{"Access-Control-Expose-Headers", "x"},
                               {"access-control-allow-credentials", "true"},
                               {"access-control-allow-origin", "https://a.example"},
                               {"Access-Control-Allow-Headers", "content-type"}};
  const http::Response response =
      Accept({std::string(kKey), {"mqtt"}}, {.date = "now",
                                             .server = "",
                                             .subprotocol = "mqtt",
                                             .cors = cors,
                                             .extensions = "permessage-deflate"});
  EXPECT_THAT(
      Lines(response.headers),
      ElementsAre(
          "Date: now", "Connection: Upgrade", "Upgrade: WebSocket",
          "access-control-allow-origin: https://a.example",
          "access-control-allow-credentials: true",
          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "Sec-WebSocket-Protocol: mqtt",
          "Sec-WebSocket-Extensions: permessage-deflate", "Access-Control-Expose-Headers: x",
          "Access-Control-Allow-Headers: content-type"));
}

}  // namespace
}  // namespace upgate::ws
