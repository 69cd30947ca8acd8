#include "gateway/base/json_text.h"

// The document is made by the library. Its implementations for instruction sets, which the header
// has too, would take a compiler a second.
#define SIMDJSON_IMPLEMENTATION_ICELAKE 0
#define SIMDJSON_IMPLEMENTATION_HASWELL 0
#define SIMDJSON_IMPLEMENTATION_WESTMERE 0
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace upgate {
namespace {

namespace dom = simdjson::dom;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
// Objects up to this size compare each name with each.
constexpr std::size_t kFewMembers = 32;

}  // namespace

// Makes the list of values. Its functions return whether the text is taken.
class JsonText::Builder {
 public:
  Builder(JsonText& json, Limits limits) : json_(json), limits_(limits) {}

  bool Add(dom::element value, Slice name, std::size_t depth) {
    const std::size_t index = json_.nodes_.size();
    json_.nodes_.emplace_back().name = name;
    const bool good = Fill(value, index, depth);
    json_.nodes_[index].next = static_cast<std::uint32_t>(json_.nodes_.size());
    return good;
  }

 private:
  bool Fill(dom::element value, std::size_t index, std::size_t depth) {
    switch (value.type()) {
      case dom::element_type::NULL_VALUE:
        return Set(index, Kind::kNull, "null");
      case dom::element_type::BOOL:
        return value.get_bool().value_unsafe() ? Set(index, Kind::kTrue, "true")
                                               : Set(index, Kind::kFalse, "false");
      case dom::element_type::INT64:
        return SetInteger(index, value.get_int64().value_unsafe());
      case dom::element_type::UINT64:
        return SetInteger(index, value.get_uint64().value_unsafe());
      case dom::element_type::DOUBLE:
        json_.nodes_[index].number = value.get_double().value_unsafe();
        return Set(index, Kind::kReal, {});
      case dom::element_type::STRING:
        return Set(index, Kind::kString, value.get_string().value_unsafe());
      case dom::element_type::ARRAY:
        return Set(index, Kind::kArray, {}) && AddItems(value.get_array().value_unsafe(), depth);
      case dom::element_type::OBJECT:
        return Set(index, Kind::kObject, {}) &&
               AddMembers(value.get_object().value_unsafe(), index, depth);
    }
    return false;
  }

  bool Set(std::size_t index, Kind kind, std::string_view text) {
    json_.nodes_[index].kind = kind;
    json_.nodes_[index].text = Keep(text);
    return true;
  }
  bool SetInteger(std::size_t index, auto value) {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    json_.nodes_[index].number = static_cast<double>(value);
    return Set(index, Kind::kInteger, {digits.data(), end});
  }

  bool AddItems(dom::array items, std::size_t depth) {
    if (depth > limits_.depth) return false;
    for (const dom::element item : items) {
      if (!Add(item, {}, depth + 1)) return false;
    }
    return true;
  }
  bool AddMembers(dom::object members, std::size_t index, std::size_t depth) {
    if (depth > limits_.depth) return false;
    std::size_t count = 0;
    for (const auto& [name, value] : members) {
      if (++count > limits_.members || !Add(value, Keep(name), depth + 1)) return false;
    }
    return NamesDiffer(index, count);
  }

  // Whether the names of an object, whose members are the last ones so far, are all different.
  bool NamesDiffer(std::size_t index, std::size_t members) const {
    const std::vector<Node>& nodes = json_.nodes_;
    if (members > kFewMembers) return ManyNamesDiffer(index, members);
    for (std::size_t i = index + 1; i < nodes.size(); i = nodes[i].next) {
      const std::string_view name = json_.TextOf(nodes[i].name);
      for (std::size_t k = nodes[i].next; k < nodes.size(); k = nodes[k].next) {
        if (json_.TextOf(nodes[k].name) == name) return false;
      }
    }
    return true;
  }
  bool ManyNamesDiffer(std::size_t index, std::size_t members) const {
    std::vector<std::string_view> names;
    names.reserve(members);
    for (std::size_t i = index + 1; i < json_.nodes_.size(); i = json_.nodes_[i].next)
      names.push_back(json_.TextOf(json_.nodes_[i].name));
    std::ranges::sort(names);
    return std::ranges::adjacent_find(names) == names.end();
  }

  Slice Keep(std::string_view text) {
    const auto at = static_cast<std::uint32_t>(json_.text_.size());
    json_.text_ += text;
    return {at, static_cast<std::uint32_t>(text.size())};
  }

  JsonText& json_;
  const Limits limits_;
};

std::optional<JsonText> JsonText::Read(std::string_view text, Limits limits) {
  // So that values are found by 32 bits, also where the text that is kept is longer ("true").
  constexpr std::size_t kLongest = 1U << 30U;
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (text.empty() || text.size() > kLongest) return {};
  dom::parser parser;
  dom::element root;
  if (parser.allocate(text.size(), limits.depth + 1) != simdjson::SUCCESS ||
      parser.parse(simdjson::padded_string(text)).get(root) != simdjson::SUCCESS)
    return {};
  std::optional<JsonText> json(std::in_place);
  json->text_.reserve(text.size());
  json->nodes_.reserve(text.size() / 16 + 1);
  if (!Builder(*json, limits).Add(root, {}, 1)) json.reset();
  return json;
}

std::optional<JsonValue> JsonValue::Find(std::string_view name) const {
  if (!is_object()) return {};
  for (const JsonValue member : *this) {
    if (member.name() == name) return member;
  }
  return {};
}

}  // namespace upgate
