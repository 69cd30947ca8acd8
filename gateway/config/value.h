#pragma once

#include <string>
#include <vector>

#include "gateway/config/error.h"

namespace upgate::config {

// A piece of parsed YAML, free of the YAML library: what a plugin gets as its options, and what
// Field reads.
struct Value {
  struct Member;
  enum class Kind { kAbsent, kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kAbsent;
  Mark mark;
  std::string scalar;   // environment variables already put in; of kNull what was written: "null",
                        // "~" or nothing
  bool quoted = false;  // "true" in quotes is a string
  std::vector<Value> items;
  std::vector<Member> members;  // in file order, no key twice
  std::string written;  // the scalar before environment variables were put in, for messages; empty
                        // if there were none
};

struct Value::Member {
  Value key;  // a scalar, with its own mark
  Value value;
};

}  // namespace upgate::config
