#include "plugins/jwt/json.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace upgate::plugins {
namespace {

constexpr int kDeepest = 16;

}  // namespace

std::optional<nlohmann::json> ReadObject(std::string_view text) {
  using Event = nlohmann::json::parse_event_t;
  bool fine = true;
  std::vector<std::set<std::string>> names;  // of the objects that are open
  const auto check = [&](int depth, Event event, nlohmann::json& parsed) {
    if (depth > kDeepest) fine = false;
    if (event == Event::object_start) names.emplace_back();
    if (event == Event::object_end) names.pop_back();
    if (event == Event::key && !names.back().insert(parsed.get<std::string>()).second) fine = false;
    return fine;
  };
  nlohmann::json read = nlohmann::json::parse(text, check, false);
  if (!fine || !read.is_object()) return {};
  return read;
}

}  // namespace upgate::plugins
