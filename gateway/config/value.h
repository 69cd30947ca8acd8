#pragma once

#include <string>
#include <vector>

#include "gateway/config/error.h"

namespace upgate::config {

// A piece of parsed YAML, independent of the YAML library: what a plugin gets as its options, and
// what Field reads.
struct Value {
  struct Member;
  enum class Kind { kAbsent, kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kAbsent;
  Mark mark;
  // After environment variables were expanded; for kNull as written: "null", "~" or nothing.
  std::string scalar;
  bool quoted = false;  // "true" in quotes is a string
  std::vector<Value> items;
  std::vector<Member> members;  // in file order, without repeated keys
  // The scalar before environment variables were expanded, for messages; empty if it has none.
  std::string written;
};

struct Value::Member {
  Value key;  // a scalar, with its own mark
  Value value;
};

// What a piece says, in one form whatever its layout, order of keys and comments: two pieces that
// say the same are equal as texts. Holds what environment variables stand for; never show it.
std::string WordsOf(const Value& value);

}  // namespace upgate::config
