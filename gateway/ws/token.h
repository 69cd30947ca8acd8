#pragma once

#include <algorithm>
#include <string_view>

#include "gateway/base/text.h"

namespace upgate::ws {

// RFC 9110, section 5.6.2.
constexpr bool IsTokenCharacter(char c) {
  return IsDigit(c) || IsAlpha(c) || std::string_view("!#$%&'*+-.^_`|~").contains(c);
}
constexpr bool IsToken(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, IsTokenCharacter);
}

}  // namespace upgate::ws
