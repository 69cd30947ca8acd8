#include "gateway/ws/deflate_parameters.h"

#include <string>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/cases.h"

namespace upgate::ws {
namespace {

std::string Answer(std::string_view offers, const DeflateParameters& wanted = {}) {
  const auto parsed = ParseExtensions(offers);
  if (!parsed) return "malformed";
  const auto agreed = AgreeOnDeflate(*parsed, wanted);
  return agreed ? agreed->answer : "none";
}

struct OfferCase {
  const char* offer;
  const char* answer;
};

class DeflateOfferTest : public TestOfCase<OfferCase> {};

TEST_EACH(DeflateOfferTest, IsAnswered) {
  EXPECT_EQ(Answer(GetParam().offer), GetParam().answer);
}

INSTANTIATE_CASES(
    Offers, DeflateOfferTest, OfferCase{"", "none"}, OfferCase{"x-webkit-deflate-frame", "none"},
    OfferCase{"permessage-deflate", "permessage-deflate"},
    OfferCase{"Permessage-Deflate", "permessage-deflate"},
    OfferCase{"permessage-deflate; client_max_window_bits", "permessage-deflate"},
    OfferCase{"permessage-deflate; client_max_window_bits=15", "permessage-deflate"},
    OfferCase{"permessage-deflate; client_max_window_bits=9",
              "permessage-deflate; client_max_window_bits=9"},
    OfferCase{"permessage-deflate; client_max_window_bits=\"9\"",
              "permessage-deflate; client_max_window_bits=9"},
    OfferCase{"permessage-deflate; server_max_window_bits=15",
              "permessage-deflate; server_max_window_bits=15"},
    OfferCase{"permessage-deflate; server_max_window_bits=8",
              "permessage-deflate; server_max_window_bits=8"},
    OfferCase{"permessage-deflate; server_no_context_takeover",
              "permessage-deflate; server_no_context_takeover"},
    OfferCase{"permessage-deflate; client_no_context_takeover",
              "permessage-deflate; client_no_context_takeover"},
    OfferCase{"foo, permessage-deflate; bar, permessage-deflate; server_max_window_bits=10",
              "permessage-deflate; server_max_window_bits=10"},
    // Declined, one by one.
    OfferCase{"permessage-deflate; unknown", "none"},
    OfferCase{"permessage-deflate; server_max_window_bits", "none"},
    OfferCase{"permessage-deflate; server_max_window_bits=7", "none"},
    OfferCase{"permessage-deflate; server_max_window_bits=16", "none"},
    OfferCase{"permessage-deflate; server_max_window_bits=08", "none"},
    OfferCase{"permessage-deflate; server_max_window_bits=x", "none"},
    OfferCase{"permessage-deflate; client_max_window_bits=7", "none"},
    OfferCase{"permessage-deflate; client_max_window_bits=16", "none"},
    OfferCase{"permessage-deflate; client_max_window_bits; client_max_window_bits=9", "none"},
    OfferCase{"permessage-deflate; server_max_window_bits=9; server_max_window_bits=9", "none"},
    OfferCase{"permessage-deflate; server_no_context_takeover=1", "none"},
    OfferCase{"permessage-deflate; client_no_context_takeover; client_no_context_takeover", "none"},
    // The next offer is accepted.
    OfferCase{"permessage-deflate; server_max_window_bits=7, permessage-deflate; "
              "client_no_context_takeover",
              "permessage-deflate; client_no_context_takeover"});

TEST(AgreeOnDeflateTest, WhatWeWantComesOnTop) {
  const DeflateParameters wanted{true, true, 10, 11};
  EXPECT_EQ(Answer("permessage-deflate; client_max_window_bits", wanted),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
            "server_max_window_bits=10; "
            "client_max_window_bits=11");
  EXPECT_EQ(
      Answer("permessage-deflate; server_max_window_bits=9; client_max_window_bits=8", wanted),
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
      "server_max_window_bits=9; "
      "client_max_window_bits=8");
}

// A client that does not say that it can limit its window gets no limit, and we allocate the
// largest.
TEST(AgreeOnDeflateTest, AClientIsAskedForASmallerWindowOnlyIfItOffers) {
  const auto agreed =
      AgreeOnDeflate(*ParseExtensions("permessage-deflate"), {.client_max_window_bits = 9});
  ASSERT_TRUE(agreed);
  EXPECT_EQ(agreed->parameters.client_max_window_bits, 15);
  EXPECT_EQ(agreed->answer, "permessage-deflate");
}

TEST(DeflateOfferOfAClientTest, NamesTheWantedParameters) {
  EXPECT_EQ(DeflateOffer({}), "permessage-deflate; client_max_window_bits");
  EXPECT_EQ(DeflateOffer({true, true, 9, 10}),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
            "server_max_window_bits=9; "
            "client_max_window_bits=10");
}

// As a server we accept every offer that we make as a client, and as a client we accept that
// answer.
TEST(DeflateOfferOfAClientTest, AgreesWithOurServer) {
  for (int i = 0; i < 4 * 8 * 8; ++i) {
    const DeflateParameters wanted{(i & 1) != 0, (i & 2) != 0,
                                   static_cast<std::uint8_t>(8 + i / 4 % 8),
                                   static_cast<std::uint8_t>(8 + i / 32)};
    const auto agreed = AgreeOnDeflate(*ParseExtensions(DeflateOffer(wanted)), {});
    ASSERT_TRUE(agreed) << DeflateOffer(wanted);
    const auto read = ReadDeflateAnswer(ParseExtensions(agreed->answer)->front(), wanted);
    ASSERT_TRUE(read) << agreed->answer;
    EXPECT_EQ(*read, agreed->parameters);
  }
}

TEST(ReadDeflateAnswerTest, RefusesWhatWasNotOffered) {
  const auto read = [](const char* answer, const DeflateParameters& wanted) {
    return ReadDeflateAnswer(ParseExtensions(answer)->front(), wanted).has_value();
  };
  EXPECT_TRUE(read("permessage-deflate; client_max_window_bits=10", {}));
  EXPECT_FALSE(read("permessage-deflate; client_max_window_bits", {}));
  EXPECT_FALSE(
      read("permessage-deflate; client_max_window_bits=10", {.client_max_window_bits = 9}));
  EXPECT_FALSE(read("permessage-deflate", {.server_max_window_bits = 9}));
  EXPECT_FALSE(
      read("permessage-deflate; server_max_window_bits=10", {.server_max_window_bits = 9}));
  EXPECT_FALSE(read("permessage-deflate", {.server_no_context_takeover = true}));
  EXPECT_FALSE(read("permessage-deflate; other", {}));
  EXPECT_FALSE(read("deflate-frame", {}));
}

}  // namespace
}  // namespace upgate::ws
