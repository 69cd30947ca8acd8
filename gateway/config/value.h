#pragma once

#include <string>
#include <utility>
#include <vector>

#include "gateway/config/error.h"

namespace upgate::config {

// A piece of parsed YAML, free of the YAML library: what a plugin gets as its options, and what Field reads.
struct Value {
  enum class Kind { kAbsent, kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kAbsent;
  Mark mark;
  std::string scalar;       // environment variables already put in
  bool quoted = false;      // "true" in quotes is a string
  std::vector<Value> items;
  std::vector<std::pair<Value, Value>> members;  // keys (scalars) with their own marks, in file order, none twice
};

}  // namespace upgate::config
