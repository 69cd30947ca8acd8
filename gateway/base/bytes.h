#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace upgate {

// Views of memory owned by somebody else; valid for the duration of the call they are passed to
// unless stated otherwise.
using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

inline Bytes AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

inline std::string_view AsText(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline void Append(std::string& to, Bytes bytes) {
  to.append(AsText(bytes));
}

}  // namespace upgate
