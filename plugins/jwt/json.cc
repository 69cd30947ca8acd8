#include "plugins/jwt/json.h"

#include <nlohmann/json.hpp>

namespace upgate::plugins {

std::optional<Json> ReadObject(std::string_view text, std::size_t most) {
  constexpr int kDeepest = 16;
  Json read = ParseJson(text, kDeepest, most);
  if (!read.is_object()) return {};
  return read;
}

}  // namespace upgate::plugins
