// Redirects: for any request, the client is redirected to the host in the route's text, or to its
// own, and the header contains nothing that ends it. Input: a byte for the text and the connection,
// the request.

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/field.h"
#include "gateway/config/parse.h"
#include "plugins/redirect/location.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/request.h"

namespace upgate::plugins::redirect {
namespace {

using fuzz::Require;

// The texts of redirects, and the prefix of every result; empty: the path on the client's own host.
struct Rule {
  std::string_view text;
  std::string_view begins_with;
};
constexpr std::array<Rule, 7> kRules{{{"https://new.test{uri}", "https://new.test/"},
                                      {"https://new.test/a{rest}?{query}", "https://new.test/a/"},
                                      {"https://new.test?{query}", "https://new.test"},
                                      {"/moved{rest}?{query}", "/moved/"},
                                      {"{rest}", ""},
                                      {"{uri}", ""},
                                      {"{scheme}://{host}:{port}{path}", "http"}}};

std::vector<Location> ParseRules() {
  std::vector<Location> locations;
  config::PathPattern route{
      .kind = config::PathPattern::Kind::kPrefix, .text = "/old", .written = "/old/*"};
  std::vector<config::ConfigError> errors;
  const config::Value value;
  const config::Field field(value, "to", errors);
  for (const Rule& rule : kRules) {
    auto location = Location::Parse(rule.text, route, field);
    if (!location) throw std::runtime_error(std::string(rule.text));
    locations.push_back(std::move(*location));
  }
  return locations;
}

void RunOne(std::uint8_t settings, const http::Request& request) {
  static const std::vector<Location> locations = ParseRules();
  const std::size_t which = (settings >> 1) % kRules.size();
  const auto location = locations[which].For(request, (settings & 1) != 0);
  if (!location) return Require(request.target.host.empty());
  Require(std::ranges::all_of(*location, [](char c) { return c > 0x20 && c < 0x7f && c != '\\'; }));
  const std::string_view begin = kRules[which].begins_with;
  if (!begin.empty()) {
    Require(location->starts_with(begin));
    // Nothing extends the host name.
    const std::string_view rest = std::string_view(*location).substr(begin.size());
    if (begin.ends_with(".test")) Require(rest.empty() || rest.front() == '?');
    return;
  }
  Require(location->starts_with('/') && !location->starts_with("//"));
}

}  // namespace
}  // namespace upgate::plugins::redirect

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  upgate::fuzz::Input input(data, size);
  const std::uint8_t settings = input.Byte();
  if (const auto request = upgate::fuzz::ParseRequest(input.Rest()))
    upgate::plugins::redirect::RunOne(settings, *request);
  return 0;
}
