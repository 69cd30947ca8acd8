#include "gateway/route/readings.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/config/parse.h"
#include "gateway/http/target.h"

namespace upgate::route {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::UnorderedElementsAre;

http::Target TargetOf(std::string_view text) {
  auto target = http::ParseTarget("GET", text);
  EXPECT_TRUE(target) << text;
  return target.value_or(http::Target{});
}

TEST(OtherReadingsTest, PlainPathsHaveNone) {
  for (const char* path :
       {"/", "/a", "/a/b/", "/a.b/..c", "/a b", "/a%00b", "/a:b,c=d", "/A", "*"}) {
    EXPECT_THAT(OtherReadings(path), IsEmpty()) << path;
  }
}

TEST(OtherReadingsTest, SlashesAreFolded) {
  EXPECT_THAT(OtherReadings("//a"), UnorderedElementsAre("/a"));
  EXPECT_THAT(OtherReadings("/a///b//"), UnorderedElementsAre("/a/b/"));
  EXPECT_THAT(OtherReadings("//"), UnorderedElementsAre("/"));
}

TEST(OtherReadingsTest, EncodedSlashesAreDecoded) {
  EXPECT_THAT(OtherReadings("/a%2Fb"), UnorderedElementsAre("/a/b"));
  EXPECT_THAT(OtherReadings("/a%2fb"), UnorderedElementsAre("/a/b"));
  EXPECT_THAT(OtherReadings("/a%2F%2Fb"), UnorderedElementsAre("/a//b", "/a/b"));
  EXPECT_THAT(OtherReadings("/a%2F"), UnorderedElementsAre("/a/"));
}

TEST(OtherReadingsTest, BackslashesAreSlashes) {
  EXPECT_THAT(OtherReadings("/a\\b"), UnorderedElementsAre("/a/b"));
  EXPECT_THAT(OtherReadings("/a%5Cb%5cc"), UnorderedElementsAre("/a/b/c"));
}

TEST(OtherReadingsTest, DotSegmentsThatComeOfItAreRemoved) {
  EXPECT_THAT(OtherReadings("/a/..%2Fb"), UnorderedElementsAre("/b"));
  EXPECT_THAT(OtherReadings("/a/%2F..%2Fb"), UnorderedElementsAre("/a/b", "/b"));
  EXPECT_THAT(OtherReadings("/a\\..\\b"), UnorderedElementsAre("/b"));
  EXPECT_THAT(OtherReadings("/..%2F..%2Fb"), UnorderedElementsAre("/b"));
  EXPECT_THAT(OtherReadings("/a%2F."), UnorderedElementsAre("/a/"));
  EXPECT_THAT(OtherReadings("/a/..;/b"), UnorderedElementsAre("/b"));
  EXPECT_THAT(OtherReadings("/a/.;x/b"), UnorderedElementsAre("/a/b"));
}

TEST(OtherReadingsTest, ParametersAreDropped) {
  EXPECT_THAT(OtherReadings("/a;x=1/b;y"), UnorderedElementsAre("/a/b"));
  EXPECT_THAT(OtherReadings("/a;"), UnorderedElementsAre("/a"));
  EXPECT_THAT(OtherReadings("/;/a"), UnorderedElementsAre("//a", "/a"));
  EXPECT_THAT(OtherReadings("/;a"), UnorderedElementsAre("/"));
}

TEST(OtherReadingsTest, InEveryOrder) {
  // For servers that decode first, parameters end at the encoded slash.
  EXPECT_THAT(OtherReadings("/a;x%2Fb"), UnorderedElementsAre("/a;x/b", "/a", "/a/b"));
  EXPECT_THAT(OtherReadings("/a;%2F../b"), IsSupersetOf({"/a/b", "/b"}));
  EXPECT_THAT(OtherReadings("//a;x%2F%5Cb"),
              IsSupersetOf({"/a;x%2F%5Cb", "//a;x/%5Cb", "//a", "/a", "//a/b", "/a/b", "//a//b"}));
}

// An independent implementation, step by step, for every path of these pieces.
std::string Replaced(std::string text, const std::vector<std::string>& pieces) {
  for (const std::string& piece : pieces) {
    for (std::size_t at = text.find(piece); at != std::string::npos; at = text.find(piece))
      text.replace(at, piece.size(), "/");
  }
  return text;
}

std::vector<std::string> Split(std::string_view path) {
  std::vector<std::string> segments;
  for (path.remove_prefix(1);;) {
    const std::size_t slash = path.find('/');
    segments.emplace_back(path.substr(0, slash));
    if (slash == std::string::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

std::string Join(const std::vector<std::string>& segments) {
  std::string path;
  for (const std::string& segment : segments) path += "/" + segment;
  return path;
}

std::string Dropped(std::string_view path) {
  auto segments = Split(path);
  for (std::string& segment : segments) segment = segment.substr(0, segment.find(';'));
  return Join(segments);
}

std::string Folded(std::string path) {
  for (std::size_t at = path.find("//"); at != std::string::npos; at = path.find("//"))
    path.erase(at, 1);
  return path;
}

std::string WithoutDots(std::string_view path) {
  std::vector<std::string> out;
  const auto segments = Split(path);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const bool dots = segments[i] == "." || segments[i] == "..";
    if (segments[i] == ".." && !out.empty()) out.pop_back();
    if (!dots) out.push_back(segments[i]);
    if (dots && i + 1 == segments.size()) out.emplace_back();
  }
  return out.empty() ? "/" : Join(out);
}

std::set<std::string> AllReadings(const std::string& path) {
  std::set<std::string> all;
  for (unsigned habits = 0; habits < 32; ++habits) {
    std::vector<std::string> slashes;
    if ((habits & 1) != 0) slashes.insert(slashes.end(), {"%2F", "%2f"});
    if ((habits & 2) != 0) slashes.insert(slashes.end(), {"\\", "%5C"});
    std::string reading = path;
    if ((habits & 4) != 0) reading = Dropped(reading);
    reading = Replaced(reading, slashes);
    if ((habits & 8) != 0) reading = Dropped(reading);
    if ((habits & 16) != 0) reading = Folded(reading);
    all.insert(WithoutDots(reading));
  }
  all.erase(path);
  return all;
}

TEST(OtherReadingsTest, AreAllThatTheHabitsOfServersMake) {
  const std::vector<std::string> pieces{"/", "a", "..", ".", ";", "%2F", "%2f", "\\", "%5C", ""};
  std::set<std::string> seen;
  constexpr std::size_t kPieces = 5;
  std::vector<std::size_t> at(kPieces, 0);
  for (bool more = true; more;) {
    std::string path = "/";
    for (const std::size_t i : at) path += pieces[i];
    path = WithoutDots(path);  // like those of the target
    if (seen.insert(path).second) {
      const auto readings = OtherReadings(path);
      ASSERT_EQ(std::set<std::string>(readings.begin(), readings.end()), AllReadings(path)) << path;
    }
    more = false;
    for (std::size_t& i : at) {
      if (++i < pieces.size()) {
        more = true;
        break;
      }
      i = 0;
    }
  }
  EXPECT_GT(seen.size(), 10'000u);
}

TEST(OtherReadingsTest, AnEncodedSemicolonMayBeginParametersOrNot) {
  // A server may remove ";y%2Fz" first, then decode, and then remove the dot segment.
  EXPECT_THAT(OtherReadings(TargetOf("/x%3B%2F..%2Fadmin;y%2Fz")), Contains("/admin"));
  EXPECT_THAT(OtherReadings(TargetOf("/a%3bb;c")), UnorderedElementsAre("/a", "/a;b"));
}

TEST(OtherReadingsTest, LongPathsEnd) {
  std::string path;
  while (path.size() < 64 * 1024) path += "/;%2F\\..//";
  EXPECT_LT(OtherReadings(path).size(), 32u);
}

TEST(TargetTest, KnowsWhetherItsPathHasReadings) {
  for (const char* text : {"//a", "/a//b", "/a;b", "/a%2Fb", "/a%2fb", "/a%5Cb", "/a%3Bb",
                           "/a%252Fb", "/a%255Cb", "/a/..%2Fb", "http://h//a"}) {
    EXPECT_TRUE(TargetOf(text).has_readings) << text;
  }
  for (const char* text : {"/", "/a/", "/a/b", "/a/../b/.", "/a%20b", "/a?//;%2F%5C\\", "/%C3%A4",
                           "/a%00b", "http://h/a", "http://h"}) {
    EXPECT_FALSE(TargetOf(text).has_readings) << text;
    EXPECT_THAT(OtherReadings(TargetOf(text).path), IsEmpty()) << text;
  }
}

constexpr std::string_view kRoutes = R"(
listeners: [ { address: "127.0.0.1:80" } ]
routes:
  - { path: /private/*, plugin: echo, require_origin: true }
  - { path: /*, plugin: echo }
  - { path: /api/*, plugin: echo }
  - { path: /only, hosts: [ one.test ], plugin: echo }
  - { path: '~^/v[0-9]+/x$', plugin: echo }
)";

// The index of the route; -1: none, -2: the interpretations differ.
int RouteOf(std::string_view text, std::string_view host = "any.test",
            std::string_view routes = kRoutes) {
  const auto config =
      config::Parse(routes, "r.yaml", [](const char*) -> const char* { return nullptr; });
  const Router router(config.value()->routes);
  http::Request request;
  request.target = TargetOf(text);
  SeenAs seen;
  seen.host = host;
  const Routed routed = FindRoute(
      router, {.request = request, .seen = seen, .listener = config.value()->listeners.front()});
  if (routed.ambiguous) {
    EXPECT_EQ(routed.route, nullptr);
    return -2;
  }
  return routed.route == nullptr ? -1 : static_cast<int>(routed.route->index);
}

TEST(FindRouteTest, RoutesAPathOnlyIfEveryReadingLeadsThere) {
  for (const char* around :
       {"//private/x",       "/private%2Fx",         "/private%2fx",        "/private%5Cx",
        "/private;a/x",      "/;a/private/x",        "/%2Fprivate/x",       "/a/..%2Fprivate/x",
        "/a/..;/private/x",  "/a%2F../private/x",    "/a/%2E%2E%2Fprivate", "/a/..;b%2Fprivate",
        "/private;",         "/private%3Bx",         "/private%252Fx",      "/%5Cprivate/x",
        "/a%5C..%5Cprivate", "//a;/..%2F/private/x", "/private/..%2Fx",     "/private/..;/x",
        "///private"}) {
    EXPECT_EQ(RouteOf(around), -2) << around;
  }
}

TEST(FindRouteTest, RoutesUnambiguousPathsUnchanged) {
  EXPECT_EQ(RouteOf("/api/queues/%2F/name"), 2);  // RabbitMQ
  EXPECT_EQ(RouteOf("/api//queues"), 2);
  EXPECT_EQ(RouteOf("/api/a;b=c/d"), 2);
  EXPECT_EQ(RouteOf("/private/a%2Fb"), 0);
  EXPECT_EQ(RouteOf("/private//x;y"), 0);
  EXPECT_EQ(RouteOf("/other//x"), 1);
  EXPECT_EQ(RouteOf("/private%2F..%2Fx"), 1);
  EXPECT_EQ(RouteOf("/a//../private/x"), 1);  // the server gets /a/private/x
  EXPECT_EQ(RouteOf("/http:%2F%2Fother.test/x"), 1);
  EXPECT_EQ(RouteOf("/private/x"), 0);
  EXPECT_EQ(RouteOf("/PRIVATE/x"), 1) << "case is not folded";
}

TEST(FindRouteTest, NoRouteIsNotARoute) {
  constexpr std::string_view kFew = R"(
listeners: [ { address: "127.0.0.1:80" } ]
routes: [ { path: /a, plugin: echo }, { path: '~^/v[0-9]+/x$', plugin: echo } ]
)";
  EXPECT_EQ(RouteOf("//a", "any.test", kFew), -2);
  EXPECT_EQ(RouteOf("/a;x", "any.test", kFew), -2);
  EXPECT_EQ(RouteOf("/v1%2Fx", "any.test", kFew), -2);
  EXPECT_EQ(RouteOf("//b", "any.test", kFew), -1);
  EXPECT_EQ(RouteOf("/b%2F;c", "any.test", kFew), -1);
}

TEST(FindRouteTest, HostsAreLookedAtWithEachReading) {
  EXPECT_EQ(RouteOf("//only", "one.test"), -2);
  EXPECT_EQ(RouteOf("//only", "two.test"), 1);
}

}  // namespace
}  // namespace upgate::route
