// JSON: what is accepted means what another library reads in it, as a list and as a tree. Input:
// two bytes for the limits, then the text.

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "gateway/base/json.h"
#include "gateway/base/json_text.h"
#include "tests/fuzz/fuzz.h"

namespace upgate::json_fuzz {
namespace {

using fuzz::Require;

void RequireSame(JsonValue value, const Json& tree);

void RequireSameItems(JsonValue value, const Json& tree) {
  auto expected = tree.begin();
  for (const JsonValue item : value) {
    Require(expected != tree.end());
    if (value.is_object()) {
      Require(item.name() == expected.key());
      Require(value.Find(item.name())->name().data() == item.name().data());
    }
    RequireSame(item, *expected);
    ++expected;
  }
  Require(expected == tree.end());
}

void RequireSame(JsonValue value, const Json& tree) {
  Require(value.is_object() == tree.is_object() && value.is_array() == tree.is_array());
  Require(value.is_string() == tree.is_string() && value.is_number() == tree.is_number());
  Require(value.is_null() == tree.is_null() && value.is_real() == tree.is_number_float());
  RequireSameItems(value, value.is_primitive() ? Json::array() : tree);
  if (value.is_number()) Require(value.number() == tree.get<double>());
  if (value.is_string()) {
    Require(value.text() == tree.get_ref<const std::string&>());
  } else if (value.is_primitive() && !value.is_real()) {
    Require(value.text() == tree.dump());
  }
}

}  // namespace
}  // namespace upgate::json_fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace upgate;
  fuzz::Input input(data, size);
  const std::size_t depth = 1 + input.Choose(64);
  const std::size_t members = 1 + input.Choose(255);
  const std::string text(input.Rest());
  const auto json = JsonText::Read(text, {.depth = depth, .members = members});
  if (!json) {
    fuzz::Require(ParseJson(text, depth, members).is_discarded());
    return 0;
  }
  const Json tree = Json::parse(text, nullptr, false);
  fuzz::Require(!tree.is_discarded());
  json_fuzz::RequireSame(json->root(), tree);
  fuzz::Require(ParseJson(text, depth, members) == tree);
  return 0;
}
