#include "gateway/base/json.h"

#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace upgate {

std::string DumpJson(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json ParseJson(std::string_view text, int max_depth, std::size_t max_members) {
  using Event = Json::parse_event_t;
  bool valid = true;
  std::vector<std::set<std::string>> names;  // of the objects that are open
  const auto check = [&](int depth, Event event, Json& parsed) {
    if (!valid) return false;  // the rest is only skipped
    if (depth > max_depth) valid = false;
    if (event == Event::object_start) names.emplace_back();
    if (event == Event::object_end) names.pop_back();
    if (event == Event::key) {
      auto& seen = names.back();
      if (!seen.insert(parsed.get<std::string>()).second || seen.size() > max_members)
        valid = false;
    }
    return valid;
  };
  Json json = Json::parse(text, check, false);
  return valid ? json : Json(Json::value_t::discarded);
}

}  // namespace upgate
