#include "gateway/ws/hixie_handshake.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upgate::ws::hixie_handshake_test {
namespace {

using config::Dialect;
using config::DialectSet;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr DialectSet kAll{Dialect::kRfc6455, Dialect::kHybi08, Dialect::kHixie76,
                          Dialect::kHixie75};

http::Request Upgrade(const http::Headers& fields) {
  http::Request request;
  request.method = "GET";
  request.wants_upgrade = true;
  request.headers = {{"Host", "example.com"}, {"Connection", "Upgrade"}, {"Upgrade", "WebSocket"}};
  for (const http::Header& field : fields) request.headers.Add(field.name, field.value);
  return request;
}

http::Request Hixie76(std::string_view key1 = "4 @1  46546xW%0l 1 5",
                      std::string_view key2 = "12998 5 Y3 1  .P00",
                      std::string_view key3 = "^n:ds[4U") {
  http::Request request = Upgrade({{"Sec-WebSocket-Key1", std::string(key1)},
                                   {"Sec-WebSocket-Key2", std::string(key2)},
                                   {"Sec-WebSocket-Protocol", "sample"},
                                   {"Origin", "http://example.com"}});
  std::ranges::copy(AsBytes(key3), request.key3.emplace().begin());
  return request;
}

http::Request Hybi08() {
  return Upgrade({{"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                  {"Sec-WebSocket-Origin", "http://example.com"},
                  {"Sec-WebSocket-Protocol", "chat, superchat"},
                  {"Sec-WebSocket-Version", "8"},
                  {"Sec-WebSocket-Extensions", "deflate-stream"}});
}

std::vector<std::string> Lines(const http::Headers& headers) {
  std::vector<std::string> lines;
  for (const http::Header& field : headers) lines.push_back(field.name + ": " + field.value);
  return lines;
}

http::Response Refusal(const http::Request& request, DialectSet spoken = kAll) {
  auto offer = ReadOffer(request, spoken);
  EXPECT_FALSE(offer);
  return offer ? http::Response{} : std::move(offer.error());
}

// The test vectors of the drafts.
TEST(KeyNumber, IsTheDigitsDividedByTheSpaces) {
  EXPECT_EQ(KeyNumber("4 @1  46546xW%0l 1 5"), 829309203u);
  EXPECT_EQ(KeyNumber("12998 5 Y3 1  .P00"), 259970620u);
  EXPECT_EQ(KeyNumber("3e6b263  4 17 80"), 906585445u);
  EXPECT_EQ(KeyNumber("17  9 G`ZD9   2 2b 7X 3 /r90"), 179922739u);
  EXPECT_EQ(KeyNumber("0 "), 0u);
  EXPECT_EQ(KeyNumber("4294967295 "), 4294967295u);
}

TEST(KeyNumber, IsNothingForAnInvalidKey) {
  for (const std::string_view key :
       {"", "   ", "abc d", "12345", "1 2 3", "4294967296 ", "99999999999999999999999999999999 ",
        "18446744073709551616 "}) {
    EXPECT_EQ(KeyNumber(key), std::nullopt) << key;
  }
}

TEST(KeyProof, VectorsOfTheDraft) {
  const auto proof = [](const http::Request& request) {
    return ReadOffer(request, kAll).value_or(Offer{}).proof;
  };
  EXPECT_EQ(proof(Hixie76()), "8jKS'y:G*Co,Wxa-");
  EXPECT_EQ(proof(Hixie76("3e6b263  4 17 80", "17  9 G`ZD9   2 2b 7X 3 /r90", "WjN}|M(6")),
            "n`9eBk9z$R8pOtVb");
  EXPECT_EQ(proof(Hixie76("18x 6]8vM;54 *(5:  {   U1]8  z [  8",
                          "1_ tx7X d  <  nf  334J702) 7]o}` 0", "Tm[K T2u")),
            "fQJ,fN/4F4!~K~MH");
}

TEST(ReadOffer, TheFieldsTellTheDialect) {
  EXPECT_EQ(ReadOffer(Hixie76(), kAll)->dialect, Dialect::kHixie76);
  EXPECT_EQ(ReadOffer(Hybi08(), kAll)->dialect, Dialect::kHybi08);
  EXPECT_EQ(ReadOffer(Upgrade({}), kAll)->dialect, Dialect::kHixie75);
  http::Request standard = Hybi08();
  standard.headers.Set("Sec-WebSocket-Version", "13");
  EXPECT_EQ(ReadOffer(standard, kAll)->dialect, Dialect::kRfc6455);
  // A key without a version belongs to no draft.
  standard.headers.Remove("Sec-WebSocket-Version");
  EXPECT_EQ(Refusal(standard).status, 426);
  for (const std::string_view version : {"7", "0", "", "13, 8", "08"}) {
    standard.headers.Set("Sec-WebSocket-Version", version);
    EXPECT_EQ(Refusal(standard).status, 426) << version;
  }
}

TEST(ReadOffer, OtherDialectsAreRefusedWithTheSupportedOnes) {
  const auto versions = [](const http::Response& response) {
    const std::string* value = response.headers.Find("Sec-WebSocket-Version");
    return value == nullptr ? "(none)" : *value;
  };
  const http::Response standard_only = Refusal(Hixie76(), {Dialect::kRfc6455});
  EXPECT_EQ(standard_only.status, 426);
  EXPECT_EQ(versions(standard_only), "13");
  const http::Response two = Refusal(Hixie76(), {Dialect::kRfc6455, Dialect::kHybi08});
  EXPECT_EQ(two.status, 426);
  EXPECT_EQ(versions(two), "13, 8");
  EXPECT_EQ(versions(Refusal(Upgrade({}), {Dialect::kHybi08})), "8");
  const http::Response unnumbered = Refusal(Hybi08(), {Dialect::kHixie76, Dialect::kHixie75});
  EXPECT_EQ(unnumbered.status, 400);
  EXPECT_EQ(versions(unnumbered), "(none)");
  EXPECT_THAT(unnumbered.body, HasSubstr("hixie76, hixie75"));
  EXPECT_EQ(Refusal(Upgrade({}), {Dialect::kRfc6455, Dialect::kHixie76}).status, 426);
  EXPECT_EQ(Refusal(Hybi08(), {Dialect::kRfc6455}).status, 426);
}

TEST(ReadOffer, Hixie76NeedsBothKeysOnceAndTheBytesAfterTheHead) {
  EXPECT_TRUE(ReadOffer(Hixie76(), kAll));
  for (const std::string_view name : {"Sec-WebSocket-Key1", "Sec-WebSocket-Key2"}) {
    http::Request missing = Hixie76();
    missing.headers.Remove(name);
    EXPECT_EQ(Refusal(missing).status, 400) << name;
    http::Request repeated = Hixie76();
    repeated.headers.Add(name, "4 @1  46546xW%0l 1 5");
    EXPECT_EQ(Refusal(repeated).status, 400) << name;
    for (const std::string_view bad : {"nospaces1", "1 2 3", "a b", "4294967296 1 "}) {
      http::Request wrong = Hixie76();
      wrong.headers.Set(name, bad);
      EXPECT_EQ(Refusal(wrong).status, 400) << name << ": " << bad;
    }
  }
  http::Request cut = Hixie76();
  cut.key3.reset();
  EXPECT_EQ(Refusal(cut).status, 400);
  http::Request with_body = Hixie76();
  with_body.has_body = true;
  EXPECT_EQ(Refusal(with_body).status, 400);
  http::Request post = Hixie76();
  post.method = "POST";
  EXPECT_EQ(Refusal(post).status, 405);
}

TEST(ReadOffer, HixieHasOneSubprotocol) {
  EXPECT_THAT(ReadOffer(Hixie76(), kAll)->subprotocols, ElementsAre("sample"));
  EXPECT_THAT(ReadOffer(Upgrade({{"WebSocket-Protocol", "sample"}}), kAll)->subprotocols,
              ElementsAre("sample"));
  EXPECT_THAT(ReadOffer(Upgrade({{"Sec-WebSocket-Protocol", "other"}}), kAll)->subprotocols,
              IsEmpty());
  for (const std::string_view bad : {"a, b", "a b", "", "\xc3\xa9"}) {
    http::Request request = Hixie76();
    request.headers.Set("Sec-WebSocket-Protocol", bad);
    EXPECT_EQ(Refusal(request).status, 400) << bad;
  }
  EXPECT_EQ(Refusal(Upgrade({{"WebSocket-Protocol", "a"}, {"WebSocket-Protocol", "b"}})).status,
            400);
  EXPECT_THAT(ReadOffer(Hybi08(), kAll)->subprotocols, ElementsAre("chat", "superchat"));
}

TEST(OriginField, IsTheDraftsOwnOnlyForItsVersion) {
  http::Request request = Hybi08();
  EXPECT_EQ(OriginField(request), "Sec-WebSocket-Origin");
  request.headers.Set("Sec-WebSocket-Version", "13");
  EXPECT_EQ(OriginField(request), "Origin");
  http::Request without = Hybi08();
  without.headers.Remove("Sec-WebSocket-Origin");
  EXPECT_EQ(OriginField(without), "Origin");
  EXPECT_EQ(OriginField(Hixie76()), "Origin");
}

const http::Header kCors[] = {{"Access-Control-Allow-Origin", "http://example.com"},
                              {"Access-Control-Allow-Credentials", "true"}};

TEST(Accept, Of76MatchesTheDraft) {
  const auto offer = ReadOffer(Hixie76(), kAll);
  const http::Response response =
      Accept(*offer, {"now", "upgate", "sample", kCors, "ws://example.com/demo"});
  EXPECT_EQ(response.status, 101);
  EXPECT_EQ(response.reason, "WebSocket Protocol Handshake");
  EXPECT_THAT(
      Lines(response.headers),
      ElementsAre("Upgrade: WebSocket", "Connection: Upgrade",
                  "Sec-WebSocket-Origin: http://example.com",
                  "Sec-WebSocket-Location: ws://example.com/demo", "Sec-WebSocket-Protocol: sample",
                  "Date: now", "Server: upgate", "Access-Control-Allow-Origin: http://example.com",
                  "Access-Control-Allow-Credentials: true"));
  EXPECT_EQ(response.body, "8jKS'y:G*Co,Wxa-");
}

TEST(Accept, Of75MatchesTheDraft) {
  const auto offer = ReadOffer(Upgrade({{"Origin", "http://example.com"}}), kAll);
  const http::Response response = Accept(*offer, {"now", "", "", {}, "wss://example.com/demo"});
  EXPECT_EQ(response.reason, "Web Socket Protocol Handshake");
  EXPECT_THAT(Lines(response.headers),
              ElementsAre("Upgrade: WebSocket", "Connection: Upgrade",
                          "WebSocket-Origin: http://example.com",
                          "WebSocket-Location: wss://example.com/demo", "Date: now"));
  EXPECT_EQ(response.body, "");
}

TEST(Accept, Of76WithoutAnOriginLeavesItOut) {
  http::Request request = Hixie76();
  request.headers.Remove("Origin");
  const http::Response response =
      Accept(*ReadOffer(request, kAll), {"now", "", "", {}, "ws://example.com/"});
  EXPECT_EQ(response.headers.Find("Sec-WebSocket-Origin"), nullptr);
}

TEST(Accept, OfHybi08MatchesTheStandard) {
  const http::Response response =
      Accept(*ReadOffer(Hybi08(), kAll), {"now", "", "chat", {}, "ws://example.com/"});
  EXPECT_THAT(Lines(response.headers),
              ElementsAre("Date: now", "Connection: Upgrade", "Upgrade: WebSocket",
                          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                          "Sec-WebSocket-Protocol: chat"));
}

TEST(MakeRfc6455, TurnsTheFieldsOfDraftsIntoTheStandards) {
  http::Request hybi = Hybi08();
  hybi.headers.Add("Origin", "http://other.example");
  MakeRfc6455(*ReadOffer(hybi, kAll), hybi.headers);
  EXPECT_THAT(
      Lines(hybi.headers),
      ElementsAre("Host: example.com", "Connection: Upgrade", "Upgrade: WebSocket",
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
                  "Origin: http://example.com", "Sec-WebSocket-Protocol: chat, superchat"));

  http::Request hixie = Hixie76();
  hixie.headers.Add("Sec-WebSocket-Origin", "http://nobody-asked.example");
  Offer offer = *ReadOffer(hixie, kAll);
  offer.key = "dGhlIHNhbXBsZSBub25jZQ==";
  MakeRfc6455(offer, hixie.headers);
  EXPECT_THAT(
      Lines(hixie.headers),
      ElementsAre("Host: example.com", "Connection: Upgrade", "Upgrade: WebSocket",
                  "Origin: http://example.com", "Sec-WebSocket-Version: 13",
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: sample"));
}

TEST(MakeRfc6455, LeavesTheStandardsAlone) {
  http::Request request = Hybi08();
  request.headers.Set("Sec-WebSocket-Version", "13");
  const auto before = Lines(request.headers);
  const Offer offer = *ReadOffer(request, kAll);
  MakeRfc6455(offer, request.headers);
  EXPECT_EQ(Lines(request.headers), before);
  EXPECT_EQ(OfferedExtensions(request, offer), "deflate-stream");
  EXPECT_EQ(OfferedExtensions(Hybi08(), *ReadOffer(Hybi08(), kAll)), "");
}

}  // namespace
}  // namespace upgate::ws::hixie_handshake_test
