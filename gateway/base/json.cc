#include "gateway/base/json.h"

#include <charconv>
#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "gateway/base/json_text.h"

namespace upgate {
namespace {

Json IntegerOf(std::string_view digits) {
  const auto read = [&](auto value) {
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return Json(value);
  };
  return digits.starts_with('-') ? read(std::int64_t{}) : read(std::uint64_t{});
}

// Nested no deeper than the limit with which the text was read.
Json TreeOf(JsonValue value) {
  if (value.is_object()) {
    Json tree = Json::object();
    for (const JsonValue member : value) tree.emplace(std::string(member.name()), TreeOf(member));
    return tree;
  }
  if (value.is_array()) {
    Json tree = Json::array();
    for (const JsonValue item : value) tree.push_back(TreeOf(item));
    return tree;
  }
  if (value.is_string()) return std::string(value.text());
  if (value.is_real()) return value.number();
  if (value.is_number()) return IntegerOf(value.text());
  return value.is_null() ? Json() : Json(value.text() == "true");
}

}  // namespace

std::string DumpJson(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string NumberToJson(double number) {
  return DumpJson(Json(number));
}

Json ParseJson(std::string_view text, std::size_t max_depth, std::size_t max_members) {
  const auto read = JsonText::Read(text, {.depth = max_depth, .members = max_members});
  return read ? TreeOf(read->root()) : Json(Json::value_t::discarded);
}

}  // namespace upgate
