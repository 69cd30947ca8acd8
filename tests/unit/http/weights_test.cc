#include "gateway/http/weights.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace upgate::http::weights_test {
namespace {

TEST(WeightsTest, AreInThousandths) {
  EXPECT_EQ(ReadWeighted("gzip").weight, 1000);
  EXPECT_EQ(ReadWeighted("gzip;q=1.000").weight, 1000);
  EXPECT_EQ(ReadWeighted("gzip ; Q=0.5 ").weight, 500);
  EXPECT_EQ(ReadWeighted(" gzip ; q=0.5").name, "gzip");
  EXPECT_EQ(ReadWeighted("text/html;level=1;q=0.001").weight, 1);
  EXPECT_EQ(ReadWeighted("gzip;q=0").weight, 0);
}

TEST(WeightsTest, WhatIsMalformedIsNotAcceptable) {
  for (const std::string weight :
       {"-1", "1.001", "2", "0.0001", "1e3", "", " 1", ".5", "0,5", "yes", "+1", "0x1"})
    EXPECT_EQ(ReadWeighted("gzip;q=" + weight).weight, 0) << weight;
}

TEST(WeightsTest, OnlyWhoNamesHtmlAsksForIt) {
  const auto asks = [](const std::string& accept) {
    return AsksForHtml(Headers{{"Accept", accept}});
  };
  EXPECT_TRUE(asks("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
  EXPECT_TRUE(asks("image/png, TEXT/HTML; level=1; q=0.3"));
  EXPECT_FALSE(asks("*/*"));
  EXPECT_FALSE(asks("text/*"));
  EXPECT_FALSE(asks("text/html;q=0"));
  EXPECT_FALSE(asks("text/html;q=-1"));
  EXPECT_FALSE(asks("text/htmlx"));
  EXPECT_FALSE(asks(""));
  EXPECT_FALSE(AsksForHtml({}));
}

TEST(WeightsTest, RandomBytesDoNoHarm) {
  std::mt19937 random(7);
  const std::string alphabet = "gzip;=,. \tq01*\"\x80";
  for (int round = 0; round < 50000; ++round) {
    std::string item;
    for (std::size_t i = random() % 40; i > 0; --i) item += alphabet[random() % alphabet.size()];
    const int weight = ReadWeighted(item).weight;
    ASSERT_TRUE(weight >= 0 && weight <= Weighted::kFull) << item;
    ASSERT_FALSE(AsksForHtml({{"Accept", item}})) << item;
  }
}

}  // namespace
}  // namespace upgate::http::weights_test
