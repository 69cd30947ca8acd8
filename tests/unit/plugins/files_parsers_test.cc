// Parsing of the header fields for ranges, encodings, dates and validators, with tables and random
// input.
#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/files/conditions.h"
#include "plugins/files/content_types.h"
#include "plugins/files/http_date.h"
#include "plugins/files/negotiation.h"
#include "plugins/files/ranges.h"
#include "tests/support/cases.h"

namespace upgate::plugins::files {
namespace {

using testing::ElementsAre;

// "whole", "none", or "0+5 10+1": start and length of each part.
std::string Show(const RangeSet& set) {
  if (set.kind == RangeSet::Kind::kWhole) return "whole";
  if (set.kind == RangeSet::Kind::kUnsatisfiable) return "none";
  std::string text;
  for (const ByteRange& part : set.parts) {
    text +=
        (text.empty() ? "" : " ") + std::to_string(part.first) + "+" + std::to_string(part.length);
  }
  return text;
}

struct RangeCase {
  std::string header;
  std::uint64_t size;
  std::string expected;
};

class RangeTable : public TestOfCase<RangeCase> {};
TEST_EACH(RangeTable, ComesTo) {
  EXPECT_EQ(Show(ResolveRanges(GetParam().header, GetParam().size)), GetParam().expected)
      << GetParam().header << " of " << GetParam().size;
}

INSTANTIATE_CASES(Single, RangeTable, RangeCase{"bytes=0-4", 10, "0+5"},
                  RangeCase{"bytes=0-0", 10, "0+1"}, RangeCase{"bytes=9-9", 10, "9+1"},
                  RangeCase{"bytes=5-", 10, "5+5"}, RangeCase{"bytes=0-", 10, "0+10"},
                  RangeCase{"bytes=-3", 10, "7+3"}, RangeCase{"bytes=-10", 10, "0+10"},
                  RangeCase{"bytes=-11", 10, "0+10"}, RangeCase{"bytes=8-99", 10, "8+2"},
                  RangeCase{"bytes=0-18446744073709551615", 10, "0+10"},
                  RangeCase{"bytes=1-99999999999999999999999", 10, "1+9"},
                  RangeCase{"bytes=-99999999999999999999999", 10, "0+10"},
                  RangeCase{"Bytes=0-4", 10, "0+5"}, RangeCase{"BYTES = 0-4", 10, "0+5"},
                  RangeCase{"bytes= 0-4 ", 10, "0+5"}, RangeCase{"bytes=00-004", 10, "0+5"});

INSTANTIATE_CASES(Unsatisfiable, RangeTable, RangeCase{"bytes=10-", 10, "none"},
                  RangeCase{"bytes=10-20", 10, "none"}, RangeCase{"bytes=-0", 10, "none"},
                  RangeCase{"bytes=99999999999999999999999-", 10, "none"},
                  RangeCase{"bytes=10-,20-30,-0", 10, "none"}, RangeCase{"bytes=0-", 0, "none"},
                  RangeCase{"bytes=0-0", 0, "none"}, RangeCase{"bytes=-0", 0, "none"},
                  RangeCase{"bytes=18446744073709551615-18446744073709551615", 10, "none"});

INSTANTIATE_CASES(Ignored, RangeTable, RangeCase{"", 10, "whole"}, RangeCase{"bytes", 10, "whole"},
                  RangeCase{"bytes=", 10, "whole"}, RangeCase{"bytes=,", 10, "whole"},
                  RangeCase{"bytes=-", 10, "whole"}, RangeCase{"bytes=--1", 10, "whole"},
                  RangeCase{"bytes=4-3", 10, "whole"}, RangeCase{"bytes=0-4,x", 10, "whole"},
                  RangeCase{"bytes=0-4;5-6", 10, "whole"}, RangeCase{"bytes=0 -4", 10, "whole"},
                  RangeCase{"bytes=0- 4", 10, "whole"}, RangeCase{"bytes=+1-2", 10, "whole"},
                  RangeCase{"bytes=0x1-2", 10, "whole"}, RangeCase{"bytes=1-2-3", 10, "whole"},
                  RangeCase{"items=0-4", 10, "whole"}, RangeCase{"bytes 0-4", 10, "whole"},
                  RangeCase{"bytes:0-4", 10, "whole"}, RangeCase{"=0-4", 10, "whole"},
                  RangeCase{"bytes=0-4=", 10, "whole"}, RangeCase{"bytes=-5", 0, "whole"},
                  RangeCase{"bytes=-1,0-", 0, "whole"});

INSTANTIATE_CASES(Several, RangeTable, RangeCase{"bytes=0-1,3-4", 10, "0+2 3+2"},
                  RangeCase{"bytes=3-4, 0-1", 10, "3+2 0+2"},
                  RangeCase{"bytes=0-1,2-3", 10, "0+2 2+2"},
                  RangeCase{"bytes=0-1,,,-1", 10, "0+2 9+1"},
                  RangeCase{"bytes=0-1,50-60", 10, "0+2"}, RangeCase{"bytes=0-4,4-5", 10, "whole"},
                  RangeCase{"bytes=0-,-1", 10, "whole"}, RangeCase{"bytes=5-6,0-9", 10, "whole"},
                  RangeCase{"bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14", 20,
                            "0+1 2+1 4+1 6+1 8+1 10+1 12+1 14+1"},
                  RangeCase{"bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16", 20, "whole"},
                  RangeCase{"bytes=30-,30-,30-,30-,30-,30-,30-,30-,30-", 20, "whole"});

TEST(RangeRandom, WellFormedRangesCoverExactlyTheirBytes) {
  std::mt19937 random(20260102);
  const auto below = [&](std::uint64_t n) { return random() % n; };
  for (int round = 0; round < 20000; ++round) {
    const std::uint64_t size = 1 + below(20);
    const std::size_t count = 1 + below(4);
    std::string header = "bytes=";
    std::vector<std::vector<std::uint64_t>> wanted;  // the bytes of each spec
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t first = below(24), last = first + below(24 - first), suffix = below(24);
      const auto form = below(3);
      if (form == 0) header += std::to_string(first) + "-" + std::to_string(last);
      if (form == 1) header += std::to_string(first) + "-";
      if (form == 2) header += "-" + std::to_string(suffix);
      header += i + 1 < count ? "," : "";
      wanted.emplace_back();
      for (std::uint64_t at = 0; at < size; ++at) {
        const bool in = form == 0   ? at >= first && at <= last
                        : form == 1 ? at >= first
                                    : at + suffix >= size;
        if (in) wanted.back().push_back(at);
      }
    }
    std::erase_if(wanted, [](const auto& bytes) { return bytes.empty(); });
    std::set<std::uint64_t> all;
    std::size_t sum = 0;
    std::string expected;
    for (const auto& bytes : wanted) {
      all.insert(bytes.begin(), bytes.end());
      sum += bytes.size();
      expected += (expected.empty() ? "" : " ") + std::to_string(bytes.front()) + "+" +
                  std::to_string(bytes.size());
    }
    if (wanted.empty()) expected = "none";
    if (all.size() != sum) expected = "whole";
    ASSERT_EQ(Show(ResolveRanges(header, size)), expected) << header << " of " << size;
  }
}

TEST(RangeRandom, WhateverComesPartsAreInsideFewAndApart) {
  std::mt19937 random(4711);
  const std::string alphabet = "0123456789-,= \tbytes\"*x\x80";
  const std::vector<std::string> specs{"0-",
                                       "-1",
                                       "0-0",
                                       "5-9",
                                       "100-2000",
                                       "-70000",
                                       "9-18446744073709551615",
                                       "77777777777777777777-"};
  int parts = 0;
  for (int round = 0; round < 50000; ++round) {
    std::string header = "bytes=";
    for (std::size_t i = random() % 12; i > 0; --i)
      header += specs[random() % specs.size()] + (i > 1 ? "," : "");
    for (std::size_t i = random() % 4; i > 0; --i)
      header[random() % header.size()] = alphabet[random() % alphabet.size()];
    const std::uint64_t size = random() % 3 == 0 ? random() % 3 : random();
    const RangeSet set = ResolveRanges(header, size);
    ASSERT_EQ(set.kind == RangeSet::Kind::kParts, !set.parts.empty()) << header;
    ASSERT_LE(set.parts.size(), kMaxRanges);
    parts += set.parts.empty() ? 0 : 1;
    for (std::size_t i = 0; i < set.parts.size(); ++i) {
      const ByteRange& part = set.parts[i];
      ASSERT_GT(part.length, 0u);
      ASSERT_LT(part.first, size);
      ASSERT_LE(part.length, size - part.first);
      for (std::size_t j = 0; j < i; ++j) {
        ASSERT_TRUE(part.end() <= set.parts[j].first || set.parts[j].end() <= part.first) << header;
      }
    }
  }
  EXPECT_GT(parts, 1000) << "almost no input was well-formed";
}

std::string Codings(const std::optional<std::string>& accept) {
  http::Headers headers;
  if (accept) headers.Add("Accept-Encoding", *accept);
  std::string text;
  for (const Coding* coding : PreferredCodings(headers))
    text += (text.empty() ? "" : " ") + std::string(coding->name);
  return text;
}

TEST(Negotiation, AcceptEncodingTable) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"gzip", "gzip"},
      {"GZip", "gzip"},
      {"x-gzip", "gzip"},
      {"br", "br"},
      {"gzip, deflate, br, zstd", "br zstd gzip"},
      {"gzip;q=1.0, br;q=0.5", "gzip br"},
      {"gzip;q=0.5, br;q=0.5", "br gzip"},
      {"gzip;q=0, br", "br"},
      {"gzip;q=0.000", ""},
      {"br ; q=0.3 , gzip ;\tQ=0.300", "br gzip"},
      {"*", "br zstd gzip"},
      {"*;q=0", ""},
      {"*;q=0, gzip", "gzip"},
      {"br;q=0, *", "zstd gzip"},
      {"identity", ""},
      {"identity;q=0.5, gzip;q=0.4", ""},
      {"identity;q=0.5, gzip;q=0.5", "gzip"},
      {"identity;q=0, gzip;q=0.001", "gzip"},
      {"identity;q=1, *;q=0", ""},
      {"gzip;q=2", ""},
      {"gzip;q=1.001", ""},
      {"gzip;q=0.1234", ""},
      {"gzip;q=", ""},
      {"gzip;q=.5", ""},
      {"gzip;q=-1", ""},
      {"gzip;q=1x", ""},
      {"gzipped, brr", ""},
      {",,gzip,,", "gzip"},
      {"", ""},
  };
  for (const auto& [accept, expected] : cases) EXPECT_EQ(Codings(accept), expected) << accept;
  EXPECT_EQ(Codings({}), "") << "without the field the file is not encoded";
}

TEST(Negotiation, RandomWeightsAreKeptToInOrder) {
  std::mt19937 random(99);
  const std::vector<std::string> names{"br", "zstd", "gzip", "identity", "*", "deflate"};
  for (int round = 0; round < 20000; ++round) {
    std::map<std::string, int> weights;
    std::string header;
    for (const std::string& name : names) {
      if (random() % 2 == 0) continue;
      const int thousandths = static_cast<int>(random() % 1001);
      weights[name] = thousandths;
      char text[8];
      std::snprintf(text, sizeof text, "%d.%03d", thousandths / 1000, thousandths % 1000);
      header += (header.empty() ? ""
                 : random() % 2 ? ", "
                                : ",") +
                name + (random() % 2 ? ";q=" : " ; q=") + text;
    }
    const auto weight = [&](const std::string& name) {
      if (weights.contains(name)) return weights[name];
      return weights.contains("*") ? weights["*"] : 0;
    };
    const int identity = weights.contains("identity") ? weights["identity"] : 0;
    std::vector<std::string> expected;
    for (const std::string name : {"br", "zstd", "gzip"}) {
      if (weight(name) > 0 && weight(name) >= identity) expected.push_back(name);
    }
    std::ranges::stable_sort(expected,
                             [&](const auto& a, const auto& b) { return weight(a) > weight(b); });
    std::string text;
    for (const auto& name : expected) text += (text.empty() ? "" : " ") + name;
    ASSERT_EQ(Codings(header), text) << header;
  }
}

TEST(Negotiation, RandomBytesDoNoHarm) {
  std::mt19937 random(7);
  const std::string alphabet = "gzipbrstd;=,. \tq01*\"\x80";
  for (int round = 0; round < 50000; ++round) {
    std::string header;
    for (std::size_t i = random() % 40; i > 0; --i) header += alphabet[random() % alphabet.size()];
    http::Headers headers{{"Accept-Encoding", header}};
    auto codings = PreferredCodings(headers);
    ASSERT_LE(codings.size(), 3u);
    std::ranges::sort(codings);
    ASSERT_EQ(std::ranges::adjacent_find(codings), codings.end()) << header;
  }
}

TEST(HttpDateTest, TheThreeForms) {
  constexpr std::int64_t kNow = 1'767'323'045;  // 2026
  EXPECT_EQ(ParseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT", kNow), 784111777);
  EXPECT_EQ(ParseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT", kNow), 784111777);
  EXPECT_EQ(ParseHttpDate("Sun Nov  6 08:49:37 1994", kNow), 784111777);
  EXPECT_EQ(ParseHttpDate("Wed Nov 16 08:49:37 1994", kNow), 784111777 + 10 * 86400);
  EXPECT_EQ(ParseHttpDate("Thu, 01 Jan 1970 00:00:00 GMT", kNow), 0);
  EXPECT_EQ(ParseHttpDate("Thu, 29 Feb 2024 23:59:60 GMT", kNow), 1709251200);
  // At most 50 years in the future.
  EXPECT_EQ(ParseHttpDate("Friday, 01-Jan-76 00:00:00 GMT", kNow), 3345062400) << "2076";
  EXPECT_EQ(ParseHttpDate("Saturday, 01-Jan-77 00:00:00 GMT", kNow), 220924800) << "1977";
}

TEST(HttpDateTest, OtherFormatsAreRejected) {
  for (const std::string text :
       {"", "0", "now", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun Nov 006 08:49:37 1994", "06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov +994 08:49:37 GMT"}) {
    EXPECT_EQ(ParseHttpDate(text, 1'767'323'045), std::nullopt) << text;
  }
}

TEST(HttpDateTest, EveryDateThatWeWriteCanBeRead) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 5000; ++round) {
    const auto time = static_cast<std::int64_t>(random() % 253402300800);  // up to the end of 9999
    ASSERT_EQ(ParseHttpDate(http::HttpDate(time), 0), time);
  }
}

constexpr std::int64_t kNow = 1'767'323'045;
constexpr std::int64_t kModified = 1'600'000'000;
constexpr std::string_view kDate = "Sun, 13 Sep 2020 12:26:40 GMT";
constexpr std::string_view kEarlier = "Sun, 13 Sep 2020 12:26:39 GMT";
constexpr std::string_view kLater = "Sun, 13 Sep 2020 12:26:41 GMT";

Validators Of(std::int64_t modified, std::string_view variant = "", std::uint64_t size = 5) {
  return ValidatorsOf({.fd = {}, .size = size, .modified_s = modified, .modified_ns = 7}, variant,
                      kNow);
}

TEST(ValidatorsTest, TellOneStateFromAnother) {
  const std::string tag = Of(kModified).etag;
  EXPECT_THAT(tag, testing::MatchesRegex("\"[0-9a-f-]+\""));
  EXPECT_EQ(tag, Of(kModified).etag);
  EXPECT_NE(tag, Of(kModified + 1).etag);
  EXPECT_NE(tag, Of(kModified, "", 6).etag);
  EXPECT_NE(tag, Of(kModified, "gzip").etag);
  EXPECT_NE(tag,
            ValidatorsOf({.fd = {}, .size = 5, .modified_s = kModified, .modified_ns = 8}, "", kNow)
                .etag);
  EXPECT_EQ(Of(kModified).last_modified, kModified);
}

TEST(ValidatorsTest, AFileOfJustNowHasAWeakTagAndOneOfTheFutureNoDate) {
  EXPECT_TRUE(Of(kNow).etag.starts_with("W/\""));
  EXPECT_TRUE(Of(kNow - 1).etag.starts_with("W/\""));
  EXPECT_TRUE(Of(kNow - 2).etag.starts_with("\""));
  EXPECT_EQ(Of(kNow).last_modified, kNow);
  EXPECT_TRUE(Of(kNow + 1).etag.starts_with("W/\""));
  EXPECT_EQ(Of(kNow + 1).last_modified, std::nullopt);
}

TEST(ValidatorsTest, AStampedTimeTellsNothing) {
  for (const std::int64_t stamp : {-5, 0, 1}) {
    EXPECT_EQ(Of(stamp).etag, "");
    EXPECT_EQ(Of(stamp).last_modified, std::nullopt);
  }
}

struct ConditionCase {
  http::Headers headers;
  Verdict expected;
};

TEST(ConditionsTest, Table) {
  const std::string tag = Of(kModified).etag;
  const std::string weak = "W/" + tag;
  const auto date = [](std::string_view text) { return std::string(text); };
  const std::vector<ConditionCase> cases{
      {{}, Verdict::kServe},
      {{{"If-None-Match", tag}}, Verdict::kNotModified},
      {{{"If-None-Match", weak}}, Verdict::kNotModified},
      {{{"If-None-Match", "*"}}, Verdict::kNotModified},
      {{{"If-None-Match", " * "}}, Verdict::kNotModified},
      {{{"If-None-Match", "\"a\", W/\"b,c\" ," + tag}}, Verdict::kNotModified},
      {{{"If-None-Match", "\"a\""}, {"If-None-Match", tag}}, Verdict::kNotModified},
      {{{"If-None-Match", ",," + tag + ",,"}}, Verdict::kNotModified},
      {{{"If-None-Match", "\"a\""}}, Verdict::kServe},
      {{{"If-None-Match", tag.substr(0, tag.size() - 1)}}, Verdict::kServe},
      {{{"If-None-Match", tag.substr(1, tag.size() - 2)}}, Verdict::kServe},
      {{{"If-None-Match", "w/" + tag}}, Verdict::kServe},
      {{{"If-None-Match", "\"a\" " + tag}}, Verdict::kServe},
      {{{"If-None-Match", tag + "x"}}, Verdict::kServe},
      {{{"If-None-Match", ""}}, Verdict::kServe},
      {{{"If-None-Match", "\""}}, Verdict::kServe},
      {{{"If-Modified-Since", date(kDate)}}, Verdict::kNotModified},
      {{{"If-Modified-Since", date(kLater)}}, Verdict::kNotModified},
      {{{"If-Modified-Since", date(kEarlier)}}, Verdict::kServe},
      {{{"If-Modified-Since", "yesterday"}}, Verdict::kServe},
      {{{"If-Modified-Since", date(kDate)}, {"If-Modified-Since", date(kDate)}}, Verdict::kServe},
      // The tag takes precedence if there is one.
      {{{"If-None-Match", "\"a\""}, {"If-Modified-Since", date(kDate)}}, Verdict::kServe},
      {{{"If-None-Match", tag}, {"If-Modified-Since", date(kEarlier)}}, Verdict::kNotModified},
      {{{"If-Match", tag}}, Verdict::kServe},
      {{{"If-Match", "*"}}, Verdict::kServe},
      {{{"If-Match", "\"a\", " + tag}}, Verdict::kServe},
      {{{"If-Match", weak}}, Verdict::kPreconditionFailed},
      {{{"If-Match", "\"a\""}}, Verdict::kPreconditionFailed},
      {{{"If-Match", ""}}, Verdict::kPreconditionFailed},
      {{{"If-Unmodified-Since", date(kDate)}}, Verdict::kServe},
      {{{"If-Unmodified-Since", date(kLater)}}, Verdict::kServe},
      {{{"If-Unmodified-Since", date(kEarlier)}}, Verdict::kPreconditionFailed},
      {{{"If-Unmodified-Since", "never"}}, Verdict::kServe},
      {{{"If-Match", tag}, {"If-Unmodified-Since", date(kEarlier)}}, Verdict::kServe},
      {{{"If-Match", "\"a\""}, {"If-None-Match", tag}}, Verdict::kPreconditionFailed},
      {{{"If-Match", tag}, {"If-None-Match", tag}}, Verdict::kNotModified},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(EvaluateConditions(cases[i].headers, Of(kModified), kNow), cases[i].expected)
        << "case " << i;
  }
}

TEST(ConditionsTest, WithoutValidatorsOnlyTheStarHolds) {
  const Validators none;
  EXPECT_EQ(EvaluateConditions({{"If-None-Match", "\"a\""}}, none, kNow), Verdict::kServe);
  EXPECT_EQ(EvaluateConditions({{"If-None-Match", ""}}, none, kNow), Verdict::kServe);
  EXPECT_EQ(EvaluateConditions({{"If-Match", "\"a\""}}, none, kNow), Verdict::kPreconditionFailed);
  EXPECT_EQ(EvaluateConditions({{"If-Match", "*"}}, none, kNow), Verdict::kServe);
  EXPECT_EQ(EvaluateConditions({{"If-Modified-Since", std::string(kLater)}}, none, kNow),
            Verdict::kServe);
  EXPECT_EQ(EvaluateConditions({{"If-Unmodified-Since", std::string(kEarlier)}}, none, kNow),
            Verdict::kServe);
  EXPECT_FALSE(IfRangeHolds({{"If-Range", std::string(kDate)}}, none, kNow));
  EXPECT_FALSE(IfRangeHolds({{"If-Range", "\"\""}}, none, kNow));
}

TEST(ConditionsTest, IfRangeNeedsTheSameBytes) {
  const Validators file = Of(kModified);
  const auto holds = [&](const std::string& value) {
    return IfRangeHolds({{"If-Range", value}}, file, kNow);
  };
  EXPECT_TRUE(IfRangeHolds({}, file, kNow));
  EXPECT_TRUE(holds(file.etag));
  EXPECT_TRUE(holds(std::string(kDate)));
  EXPECT_FALSE(holds("W/" + file.etag));
  EXPECT_FALSE(holds("\"a\""));
  EXPECT_FALSE(holds(file.etag + ", \"a\""));
  EXPECT_FALSE(holds("*"));
  EXPECT_FALSE(holds(""));
  EXPECT_FALSE(holds(std::string(kEarlier)));
  EXPECT_FALSE(holds(std::string(kLater))) << "only exactly the date that was sent";
  EXPECT_FALSE(IfRangeHolds({{"If-Range", file.etag}, {"If-Range", file.etag}}, file, kNow));
  // A file modified just now could change again within the same second.
  const Validators fresh = Of(kNow - 1);
  EXPECT_FALSE(IfRangeHolds({{"If-Range", fresh.etag}}, fresh, kNow));
  EXPECT_FALSE(IfRangeHolds({{"If-Range", http::HttpDate(kNow - 1)}}, fresh, kNow));
}

TEST(ContentTypesTest, ByTheEndOfTheName) {
  ContentTypes types;
  EXPECT_EQ(types.Of("index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(types.Of("a/b.c/SITE.CSS"), "text/css; charset=utf-8");
  EXPECT_EQ(types.Of("app.js"), "text/javascript; charset=utf-8");
  EXPECT_EQ(types.Of("app.wasm"), "application/wasm");
  EXPECT_EQ(types.Of("a.tar.gz"), "application/gzip");
  EXPECT_EQ(types.Of("LICENSE"), "application/octet-stream");
  EXPECT_EQ(types.Of("a."), "application/octet-stream");
  EXPECT_EQ(types.Of("a.html/b"), "application/octet-stream");
  types.Set("MD", "text/plain");
  types.Set("html", "text/html; charset=iso-8859-1");
  types.Set("apple-app-site-association", "application/json");
  EXPECT_EQ(types.Of("readme.md"), "text/plain");
  EXPECT_EQ(types.Of("index.html"), "text/html; charset=iso-8859-1");
  EXPECT_EQ(types.Of(".well-known/apple-app-site-association"), "application/json");
}

}  // namespace
}  // namespace upgate::plugins::files
