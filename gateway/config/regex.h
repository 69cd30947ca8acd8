#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/config/field.h"
#include "gateway/config/scalar.h"

namespace upgate::config {

// A valid RE2 expression.
struct Regex {
  std::string text;
  std::size_t instructions = 0;  // of the compiled expression
  std::size_t captures = 0;
  std::string literal = {};  // the text that every match begins with, if it is anchored
};

// Compiles an expression to validate it. `example`: shown where it is empty.
Reading<Regex> ReadRegex(std::string_view expression, std::string_view example);

template <>
struct Syntax<Regex> {
  static constexpr std::string_view kForm = "a regular expression such as ^/v[0-9]+/";
  static Reading<Regex> Read(std::string_view text) { return ReadRegex(text, "^/v[0-9]+/"); }
};

template <>
struct Syntax<ValueCondition> {
  static constexpr std::string_view kForm =
      "a value, a regular expression such as ~^v[0-9]+$, or present";
  static Reading<ValueCondition> Read(std::string_view text);
};

// Limits the total size of all regular expressions of a file, so that any configuration is read
// within a second: most have less than a thousand instructions, the largest allowed about 50,000,
// and a thousand take about a millisecond.
class RegexBudget {
 public:
  // Reads a scalar that is a regular expression if `is_regex`. nullopt with an error if it is
  // invalid, or if those before it have used up the budget.
  template <class T>
  std::optional<T> Read(const Field& field, bool is_regex) {
    if (!is_regex) return field.Maybe<T>();
    if (!MayRead(field)) return {};
    std::optional<T> read = field.Maybe<T>();
    Spend(field, read ? read->instructions : kOfRefused, read.has_value());
    return read;
  }
  // For patterns in which a leading '~' marks a regular expression.
  template <class T>
  std::optional<T> Read(const Field& field) {
    return Read<T>(field, field.value().scalar.starts_with('~'));
  }

 private:
  static constexpr std::size_t kOfRefused = 50'000;
  bool MayRead(const Field& field);
  void Spend(const Field& field, std::size_t cost, bool valid);

  std::size_t left_ = 500'000;
  bool told_ = false;  // the error about skipped expressions was reported
};

}  // namespace upgate::config
