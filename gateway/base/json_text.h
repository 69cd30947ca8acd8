#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace upgate {

class JsonValue;

// JSON text (RFC 8259) as one list of values in the order in which they are written. For text that
// is read on the way of a request: ParseJson makes a tree of it, which takes several times as long.
// Immutable; values refer to it.
class JsonText {
 public:
  struct Limits {
    std::size_t depth = 64;      // of nested arrays and objects
    std::size_t members = 1024;  // of one object
  };

  // nullopt for what is not JSON, is nested too deeply, has an object with too many members or with
  // the same name twice, which other readers may understand differently (section 4), has an integer
  // that does not fit into 64 bits, or is longer than 1 GiB. Takes time by the length of the text,
  // however many members there are.
  static std::optional<JsonText> Read(std::string_view text, Limits limits);

  JsonValue root() const;

 private:
  friend class JsonValue;
  class Builder;

  enum class Kind : std::uint8_t {
    kNull,
    kFalse,
    kTrue,
    kInteger,
    kReal,
    kString,
    kArray,
    kObject
  };
  struct Slice {  // of text_
    std::uint32_t at = 0;
    std::uint32_t size = 0;
  };
  struct Node {
    Kind kind = Kind::kNull;
    std::uint32_t next = 0;  // the index of the first node that is not inside this one
    Slice name;              // of a member
    Slice text;              // see JsonValue::text
    double number = 0;
  };
  std::string_view TextOf(Slice slice) const {
    return std::string_view(text_).substr(slice.at, slice.size);
  }

  std::string text_;  // names and values, without their escapes
  std::vector<Node> nodes_;
};

// One value of a JsonText, which must outlive it and not be moved. Cheap to copy.
class JsonValue {
 public:
  bool is_null() const { return kind() == Kind::kNull; }
  bool is_string() const { return kind() == Kind::kString; }
  bool is_number() const { return is_real() || kind() == Kind::kInteger; }
  // A number that is not written as an integer.
  bool is_real() const { return kind() == Kind::kReal; }
  bool is_array() const { return kind() == Kind::kArray; }
  bool is_object() const { return kind() == Kind::kObject; }
  bool is_primitive() const { return kind() < Kind::kArray; }

  // The name of a member of an object.
  std::string_view name() const { return text_->TextOf(node().name); }
  // A string's value, a literal, or the digits of an integer. Empty for other values.
  std::string_view text() const { return text_->TextOf(node().text); }
  // The value of a number, which is finite.
  double number() const { return node().number; }

  // The member of an object with this name; nullopt if there is none, or this is no object.
  std::optional<JsonValue> Find(std::string_view name) const;

  // The items of an array, or the members of an object; of other values none.
  class Iterator;
  Iterator begin() const;
  Iterator end() const;

 private:
  friend class JsonText;
  using Kind = JsonText::Kind;

  JsonValue(const JsonText& text, std::size_t index) : text_(&text), index_(index) {}
  const JsonText::Node& node() const { return text_->nodes_[index_]; }
  Kind kind() const { return node().kind; }

  const JsonText* text_;
  std::size_t index_;
};

class JsonValue::Iterator {
 public:
  JsonValue operator*() const { return value_; }
  Iterator& operator++() {
    value_.index_ = value_.node().next;
    return *this;
  }
  bool operator==(const Iterator& other) const { return value_.index_ == other.value_.index_; }

 private:
  friend class JsonValue;
  explicit Iterator(JsonValue value) : value_(value) {}

  JsonValue value_;
};

inline JsonValue::Iterator JsonValue::begin() const {
  return Iterator(JsonValue(*text_, index_ + 1));
}
inline JsonValue::Iterator JsonValue::end() const {
  return Iterator(JsonValue(*text_, node().next));
}
inline JsonValue JsonText::root() const {
  return {*this, 0};
}

}  // namespace upgate
