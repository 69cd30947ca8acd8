#include "plugins/target_value/target_value.h"

#include <fmt/format.h>

#include "gateway/base/json_text.h"

namespace upgate::plugins {
namespace {

// As deep as an object with a target may be nested.
constexpr std::size_t kMaxDepth = 8;

std::expected<std::string, std::string> PortOf(JsonValue port) {
  const bool is_integer = port.is_number() && !port.is_real();
  if (port.is_string() || (is_integer && port.number() >= 0 && port.number() <= 65'535))
    return std::string(port.text());
  return std::unexpected("its port is not a number from 1 to 65535");
}

std::expected<std::string, std::string> TargetOfObject(JsonValue object) {
  if (const auto target = object.Find("target")) {
    if (!target->is_string()) return std::unexpected("its target is not text");
    return std::string(target->text());
  }
  const auto host = object.Find("host");
  if (!host || !host->is_string()) return std::unexpected("it has neither a target nor a host");
  std::string name(host->text());
  const auto port = object.Find("port");
  if (!port) return name;
  const auto number = PortOf(*port);
  if (!number) return std::unexpected(number.error());
  const bool bare_v6 = name.find(':') != std::string::npos && !name.starts_with('[');
  return bare_v6 ? fmt::format("[{}]:{}", name, *number) : fmt::format("{}:{}", name, *number);
}

}  // namespace

std::expected<std::string, std::string> TargetOfJson(std::string_view json) {
  const auto parsed = JsonText::Read(json, {.depth = kMaxDepth});
  if (!parsed) return std::unexpected("it is not JSON");
  if (!parsed->root().is_object()) return std::unexpected("it is not a JSON object");
  return TargetOfObject(parsed->root());
}

std::expected<std::string, std::string> TargetOfValue(std::string_view value) {
  constexpr std::string_view kSpaces = " \t\r\n";
  const std::size_t first = value.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return std::unexpected("it is empty");
  value = value.substr(first, value.find_last_not_of(kSpaces) - first + 1);
  if (value.starts_with('{')) return TargetOfJson(value);
  return std::string(value);
}

}  // namespace upgate::plugins
