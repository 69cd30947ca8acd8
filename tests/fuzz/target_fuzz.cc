// Request targets: for any input, the path used for routing is normalized, the one forwarded to
// servers is equivalent, and queries are parsed correctly. Input: a byte for the method and
// version, the target, a line end, a Host header's value.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/text.h"
#include "gateway/http/target.h"
#include "tests/fuzz/fuzz.h"

namespace upgate::http {
namespace {

using fuzz::Require;

bool IsVisible(char c) {
  return c > 0x20 && c < 0x7f;
}

bool HasDotSegment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment == "." || segment == "..") return true;
    path.remove_prefix(segment.size());
  }
  return false;
}

void CheckPaths(const Target& target) {
  if (target.path == "*") return;
  Require(target.path.starts_with('/') && target.raw_path.starts_with('/'));
  Require(!HasDotSegment(target.path) && target.path.find('\0') == std::string::npos);
  Require(std::ranges::all_of(target.raw_path, IsVisible) &&
          target.raw_path.find_first_of("?#") == std::string::npos);
  Require(std::ranges::all_of(target.query, IsVisible));
  Require(std::ranges::count(target.path, '/') == std::ranges::count(target.raw_path, '/'));
  // Parsing the result again gives the same.
  const auto again =
      ParseTarget("GET", target.raw_path + (target.has_query ? "?" + target.query : ""));
  Require(again && again->path == target.path && again->raw_path == target.raw_path);
  Require(again->query == target.query && again->has_query == target.has_query);
}

void CheckQuery(const std::string& query) {
  const std::string_view rest = query;
  for (const std::string_view name :
       {rest.substr(0, rest.find_first_of("=&")), std::string_view("encoding")}) {
    const std::string without = QueryWithout(query, name);
    Require(without.size() <= query.size() && !QueryValue(without, name));
    if (!QueryValue(query, name)) Require(without == query);
  }
}

void CheckHost(Target target, std::string_view host, Version version) {
  const Target before = target;
  Headers headers;
  headers.Add("Host", host);
  if (!ApplyHost(target, headers, version)) return;
  Require(target.path == before.path && target.raw_path == before.raw_path &&
          target.query == before.query);
  Require(target.host == ToLower(target.host) &&
          target.host.find_first_of("/@?#,%[] ") == std::string::npos);
  Require(std::ranges::all_of(target.authority, IsVisible));
  if (before.authority.empty()) return;
  Require(target.host == before.host);
}

}  // namespace
}  // namespace upgate::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace upgate;
  fuzz::Input input(data, size);
  const std::uint8_t settings = input.Byte();
  const std::string text(input.TakeUntil('\n'));
  const auto target = http::ParseTarget((settings & 1) != 0 ? "OPTIONS" : "GET", text);
  if (!target) {
    fuzz::Require(target.error().status == 400 || target.error().status == 414);
    return 0;
  }
  http::CheckPaths(*target);
  http::CheckQuery(target->query);
  http::CheckHost(*target, input.Rest(),
                  (settings & 2) != 0 ? http::Version::kHttp10 : http::Version::kHttp11);
  return 0;
}
