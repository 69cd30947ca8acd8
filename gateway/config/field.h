#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/config/error.h"
#include "gateway/config/scalar.h"
#include "gateway/config/value.h"

namespace upgate::config {

// A cursor over a Value that knows the path of its key and adds errors to a list shared by all
// fields:
//
//   Listener ParseListener(Field f) {
//     Listener l;
//     l.where = f["address"].Required<Endpoint>();
//     l.backlog = f["backlog"].Optional(1024, {1, 65535});
//     f.RejectUnknownKeys();
//     return l;
//   }
//
// The value and the list must outlive it. Reading continues after an error with a fallback, so that
// all errors are reported at once; callers must check the list before they use the result. The
// types that can be read are those of scalar.h; integers need a range.
class Field {
 public:
  // `key` is the path of the value in the file: a plugin passes "routes[2].options" or just
  // "options".
  Field(const Value& value, std::string key, std::vector<ConfigError>& errors);

  // The value of a key, or a field that is not present. Registers `name` as a known key.
  Field operator[](std::string_view name);

  // True if the key exists, whether its value is valid or not.
  bool present() const { return value_->kind != Value::Kind::kAbsent; }
  const Value& value() const { return *value_; }
  // If not present, the place of the map that should contain it.
  Mark mark() const { return mark_; }
  const std::string& key() const { return key_; }

  // True if nothing read below this field was invalid so far. Also false once there are more errors
  // than are shown, because every check searches all of them.
  bool sound() const { return IsSound(key_); }
  // The same for another part of the file.
  bool IsSound(const std::string& key) const {
    return errors_->size() <= kMaxErrors && !HasErrorIn(*errors_, key);
  }

  // Adds an error at this place, or at another (such as that of its key).
  void Error(std::string message) const;
  void ErrorAt(Mark mark, std::string message) const;
  // Adds an error that shows the scalar: "'<scalar>' <what>; <instead>". Values from the
  // environment are not shown.
  void Refuse(const Refusal& refusal, std::string_view form) const;

  // Call it after all keys were read: reports each key that was not, or that the value is not a
  // map.
  void RejectUnknownKeys() const;

  // The scalar as a T; nullopt and an error if invalid. nullopt without an error if not present.
  template <class T>
  std::optional<T> Maybe() const;
  template <class T>
  std::optional<T> Maybe(const Range<T>& range) const;

  // Like Maybe, with an error if it is not present.
  template <class T>
  T Required() const;
  // Like Maybe, with a default.
  template <class T>
  T Optional(T fallback) const;
  template <class T>
  T Optional(T fallback, const Range<T>& range) const;

  // One of a few words.
  template <class E>
  E OneOf(std::initializer_list<std::pair<std::string_view, E>> choices, E fallback) const;

  // The items of a list; empty, and an error, for anything else. A single scalar is not a list.
  std::vector<Field> Items() const;
  // The same for a list that must be present and not empty. `what` names an item: "one listener".
  std::vector<Field> RequiredItems(std::string_view what) const;
  // The valid items of a list of scalars.
  template <class T>
  std::vector<T> List() const;

  // The members of a map whose keys are names instead of settings; empty, and an error, for
  // anything else.
  struct Member;
  std::vector<Member> Members() const;

 private:
  // The message for a key that is not in `known_`, with a suggestion.
  std::string UnknownKey(const std::string& key) const;
  Field(const Value& value, Mark mark, std::string key, std::vector<ConfigError>& errors,
        bool muted);

  // nullptr, with an error if the value is not a scalar.
  const std::string* Scalar(std::string_view form) const;
  void RefuseKind(std::string_view form) const;
  void RefuseMissing(std::string_view form) const;
  bool RefuseQuotedBool() const;
  std::optional<std::size_t> Choose(std::span<const std::string_view> choices) const;

  const Value* value_;
  Mark mark_;
  std::string key_;
  std::vector<ConfigError>* errors_;
  bool muted_ = false;              // the parent is not a map, which was already reported
  std::vector<std::string> known_;  // keys read so far
};

struct Field::Member {
  std::string name;
  Mark mark;  // of the name
  Field field;
};

template <class T>
std::optional<T> Field::Maybe() const {
  static_assert(!std::integral<T> || std::same_as<T, bool>, "integers need a range");
  const std::string* text = Scalar(Syntax<T>::kForm);
  if (text == nullptr) return {};
  if constexpr (std::same_as<T, bool>) {
    if (RefuseQuotedBool()) return {};
  }
  auto read = Syntax<T>::Read(*text);
  if (read) return std::move(*read);
  Refuse(read.error(), Syntax<T>::kForm);
  return {};
}

template <class T>
std::optional<T> Field::Maybe(const Range<T>& range) const {
  const std::string* text = Scalar(Syntax<T>::kForm);
  if (text == nullptr) return {};
  const auto read = Syntax<T>::Read(*text);
  if (!read) {
    Refuse(read.error(), Syntax<T>::kForm);
    return {};
  }
  if (range.Holds(*read)) return static_cast<T>(*read);
  Refuse({"is out of range",
          "use " + Syntax<T>::Write(range.min) + " to " + Syntax<T>::Write(range.max)},
         Syntax<T>::kForm);
  return {};
}

template <class T>
T Field::Required() const {
  if (!present()) RefuseMissing(Syntax<T>::kForm);
  return Maybe<T>().value_or(T{});
}

template <class T>
T Field::Optional(T fallback) const {
  return Maybe<T>().value_or(std::move(fallback));
}

template <class T>
T Field::Optional(T fallback, const Range<T>& range) const {
  return Maybe<T>(range).value_or(std::move(fallback));
}

template <class E>
E Field::OneOf(std::initializer_list<std::pair<std::string_view, E>> choices, E fallback) const {
  std::vector<std::string_view> names;
  for (const auto& choice : choices) names.push_back(choice.first);
  const auto index = Choose(names);
  return index ? std::data(choices)[*index].second : fallback;
}

template <class T>
std::vector<T> Field::List() const {
  std::vector<T> list;
  for (const Field& item : Items()) {
    if (auto value = item.Maybe<T>()) list.push_back(std::move(*value));
  }
  return list;
}

}  // namespace upgate::config
