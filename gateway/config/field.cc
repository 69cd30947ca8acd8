#include "gateway/config/field.h"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/foreign_keys.h"
#include "gateway/config/key.h"

namespace upgate::config {
namespace {

const Value kAbsent;

// The scalar for a message: truncated, on one line, and as in the file, with `${NAME}` instead of
// its value.
std::string Shown(const Value& value) {
  if (value.written.empty()) return fmt::format("'{}'", Excerpt(value.scalar));
  return fmt::format("'{}' (from the environment)", Excerpt(value.written));
}

std::string_view NameOf(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::kSequence:
      return "a list";
    case Value::Kind::kMap:
      return "a map";
    case Value::Kind::kScalar:
      return "text";
    case Value::Kind::kNull:
    case Value::Kind::kAbsent:
      break;
  }
  return "empty";
}

// "a, b or c"
std::string Enumerate(std::span<const std::string_view> words) {
  if (words.size() == 1) return std::string(words.front());
  return fmt::format("{} or {}", Join(words.first(words.size() - 1), ", "), words.back());
}

}  // namespace

Field::Field(const Value& value, std::string key, std::vector<ConfigError>& errors)
    : Field(value, value.mark, std::move(key), errors, false) {}

Field::Field(const Value& value, Mark mark, std::string key, std::vector<ConfigError>& errors,
             bool muted)
    : value_(&value), mark_(mark), key_(std::move(key)), errors_(&errors), muted_(muted) {}

Field Field::operator[](std::string_view name) {
  if (std::ranges::find(known_, name) == known_.end()) known_.emplace_back(name);
  for (const auto& [key, value] : value_->members) {
    if (key.scalar == name) return {value, value.mark, MemberKey(key_, name), *errors_, false};
  }
  const bool is_map = value_->kind == Value::Kind::kMap;
  return {kAbsent, mark_, MemberKey(key_, name), *errors_, !is_map};
}

void Field::Error(std::string message) const {
  ErrorAt(mark_, std::move(message));
}

void Field::ErrorAt(Mark mark, std::string message) const {
  errors_->push_back({mark, key_, std::move(message)});
}

void Field::Refuse(const Refusal& refusal, std::string_view form) const {
  std::string message = refusal.is_secret ? "it" : Shown(*value_);
  message += refusal.what.empty() ? fmt::format(" is not {}", form) : " " + refusal.what;
  // `instead` may repeat the scalar.
  const bool tell = !refusal.instead.empty() && value_->written.empty();
  Error(tell ? message + "; " + refusal.instead : message);
}

void Field::RefuseKind(std::string_view form) const {
  Error(fmt::format("is {}; needs {}", NameOf(value_->kind), form));
}

void Field::RefuseMissing(std::string_view form) const {
  if (!muted_) Error(fmt::format("missing; needs {}", form));
}

const std::string* Field::Scalar(std::string_view form) const {
  if (!present()) return nullptr;
  if (value_->kind == Value::Kind::kScalar) return &value_->scalar;
  RefuseKind(form);
  return nullptr;
}

bool Field::RefuseQuotedBool() const {
  // Between [ ] and { } a variable needs quotes.
  if (!value_->quoted || !value_->written.empty()) return false;
  if (value_->scalar != "true" && value_->scalar != "false") return false;
  Error(fmt::format("'{0}' is text in quotes; write {0} without quotes", value_->scalar));
  return true;
}

std::optional<std::size_t> Field::Choose(std::span<const std::string_view> choices) const {
  const std::string form = Enumerate(choices);
  const std::string* text = Scalar(form);
  if (text == nullptr) return {};
  const auto it = std::ranges::find(choices, *text);
  if (it != choices.end()) return it - choices.begin();
  const std::string_view near = NearestOf(ToLower(*text), choices);
  Refuse({"", near.empty() ? "" : fmt::format("did you mean '{}'?", near), false}, form);
  return {};
}

void Field::RejectUnknownKeys() const {
  if (!present()) return;
  if (value_->kind != Value::Kind::kMap) {
    RefuseKind(fmt::format("a map with the keys {}", Join(known_, ", ")));
    return;
  }
  for (const auto& [key, value] : value_->members) {
    if (std::ranges::find(known_, key.scalar) != known_.end()) continue;
    errors_->push_back({key.mark, MemberKey(key_, key.scalar), UnknownKey(key.scalar)});
  }
}

std::string Field::UnknownKey(const std::string& key) const {
  std::string name = ToLower(key);
  std::ranges::replace(name, '-', '_');
  // In other letters, or the plural for the singular.
  for (const std::string& other :
       {name, name + "s", name.substr(0, name.size() - name.ends_with('s'))}) {
    if (std::ranges::find(known_, other) != known_.end())
      return fmt::format("unknown key; did you mean '{}'?", other);
  }
  if (const std::string_view hint = HintForForeignKey(key_, name); !hint.empty())
    return fmt::format("unknown key; {}", hint);
  const std::string_view near = NearestOf(name, known_);
  const std::string similar = near.empty() ? "" : fmt::format("did you mean '{}'?", near);
  if (const std::string_view place = PlaceOfKey(name); !place.empty()) {
    return fmt::format("unknown key; '{}' is a key of {}{}{}", name, place,
                       near.empty() ? "" : "; or ", similar);
  }
  if (!near.empty()) return "unknown key; " + similar;
  return fmt::format("unknown key; known here: {}", Join(known_, ", "));
}

std::vector<Field> Field::Items() const {
  if (!present()) return {};
  if (value_->kind == Value::Kind::kScalar) {
    const std::string& written = value_->written.empty() ? value_->scalar : value_->written;
    const char* quote = value_->quoted || !value_->written.empty() ? "\"" : "";
    Error(fmt::format("is text; needs a list: write [ {0}{1}{0} ]", quote, Excerpt(written)));
    return {};
  }
  if (value_->kind != Value::Kind::kSequence) {
    RefuseKind("a list");
    return {};
  }
  std::vector<Field> items;
  items.reserve(value_->items.size());
  for (const Value& item : value_->items) {
    items.push_back({item, item.mark, ItemKey(key_, items.size()), *errors_, false});
  }
  return items;
}

std::vector<Field> Field::RequiredItems(std::string_view what) const {
  if (!present()) RefuseMissing(fmt::format("a list with at least {}", what));
  if (value_->kind == Value::Kind::kSequence && value_->items.empty()) {
    Error(fmt::format("is an empty list; needs at least {}", what));
  }
  return Items();
}

std::vector<Field::Member> Field::Members() const {
  if (!present()) return {};
  if (value_->kind != Value::Kind::kMap) {
    RefuseKind("a map of names");
    return {};
  }
  std::vector<Member> members;
  members.reserve(value_->members.size());
  for (const auto& [key, value] : value_->members) {
    members.push_back(
        {key.scalar, key.mark, {value, value.mark, MemberKey(key_, key.scalar), *errors_, false}});
  }
  return members;
}

}  // namespace upgate::config
