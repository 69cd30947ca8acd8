#include "gateway/backend/sticky.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "gateway/tls/mac.h"

namespace upgate::backend {
namespace {

const std::vector<std::string> kUrls{"ws://a:1", "ws://b:2"};
const std::string kKey(32, 'k');

TEST(StickyValues, EachServerHasItsOwnInTheAlphabetOfCookies) {
  const StickyValues values(kKey, "live", kUrls);
  EXPECT_NE(values.Of(0), values.Of(1));
  for (std::size_t i = 0; i < kUrls.size(); ++i) {
    EXPECT_EQ(values.Find(values.Of(i)), i);
    EXPECT_EQ(values.Of(i).size(), 24u);
    EXPECT_EQ(values.Of(i).find_first_not_of(
                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
              std::string::npos);
    EXPECT_EQ(values.Of(i).find(kUrls[i]), std::string::npos);
  }
}

TEST(StickyValues, GatewaysWithTheSameKeyAgree) {
  EXPECT_EQ(StickyValues(kKey, "live", kUrls), StickyValues(kKey, "live", kUrls));
  EXPECT_EQ(StickyValues(kKey, "live", kUrls).Of(1),
            StickyValues(kKey, "live", {"ws://b:2", "ws://c:3"}).Of(0))
      << "whatever the order and the others";
}

TEST(StickyValues, WhatIsForgedLeadsNowhere) {
  const StickyValues values(kKey, "live", kUrls);
  const std::string& good = values.Of(0);
  EXPECT_EQ(values.Find(""), std::nullopt);
  EXPECT_EQ(values.Find("ws://a:1"), std::nullopt);
  EXPECT_EQ(values.Find(good + "A"), std::nullopt);
  EXPECT_EQ(values.Find(good.substr(0, 23)), std::nullopt);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string forged = good;
    forged[i] = forged[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(values.Find(forged), std::nullopt);
  }
  EXPECT_EQ(values.Find(StickyValues(std::string(32, 'x'), "live", kUrls).Of(0)), std::nullopt);
  EXPECT_EQ(values.Find(StickyValues(kKey, "other", kUrls).Of(0)), std::nullopt)
      << "it is of another backend";
}

// RFC 4231, section 4.3.
TEST(Mac, HmacSha256IsThatOfTheStandard) {
  const auto mac = tls::HmacSha256("Jefe", "what do ya want for nothing?");
  constexpr std::array<unsigned char, 8> kFirst{0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e};
  EXPECT_TRUE(std::ranges::equal(kFirst, std::span(mac).first(8), {},
                                 [](unsigned char c) { return std::byte{c}; }));
  EXPECT_NE(tls::RandomKey(), tls::RandomKey());
}

}  // namespace
}  // namespace upgate::backend
