#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gateway/config/error.h"

namespace upgate::config {

// The path of a key in messages: "routes[2].cors.max_age". The empty path is the whole file.

inline std::string MemberKey(const std::string& of, std::string_view name) {
  const std::string printable = Excerpt(name);
  return of.empty() ? printable : of + "." + printable;
}

inline std::string ItemKey(const std::string& of, std::size_t index) {
  return of + "[" + std::to_string(index) + "]";
}

}  // namespace upgate::config
