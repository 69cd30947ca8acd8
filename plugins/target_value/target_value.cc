#include "plugins/target_value/target_value.h"

#include <cstdint>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gateway/base/json.h"

namespace upgate::plugins {
namespace {

// As deep as an object with a target may be nested.
constexpr std::size_t kMaxDepth = 8;

std::expected<std::string, std::string> PortOf(const Json& port) {
  if (port.is_string()) return port.get<std::string>();
  if (port.is_number_unsigned() && port.get<std::uint64_t>() <= 65'535)
    return std::to_string(port.get<std::uint64_t>());
  return std::unexpected("its port is not a number from 1 to 65535");
}

std::expected<std::string, std::string> TargetOfObject(const Json& object) {
  if (const auto target = object.find("target"); target != object.end()) {
    if (!target->is_string()) return std::unexpected("its target is not text");
    return target->get<std::string>();
  }
  const auto host = object.find("host");
  if (host == object.end() || !host->is_string())
    return std::unexpected("it has neither a target nor a host");
  auto name = host->get<std::string>();
  const auto port = object.find("port");
  if (port == object.end()) return name;
  const auto number = PortOf(*port);
  if (!number) return std::unexpected(number.error());
  const bool bare_v6 = name.find(':') != std::string::npos && !name.starts_with('[');
  return bare_v6 ? fmt::format("[{}]:{}", name, *number) : fmt::format("{}:{}", name, *number);
}

}  // namespace

std::expected<std::string, std::string> TargetOfJson(std::string_view json) {
  const Json parsed = ParseJson(json, kMaxDepth);
  if (parsed.is_discarded()) return std::unexpected("it is not JSON");
  if (!parsed.is_object()) return std::unexpected("it is not a JSON object");
  return TargetOfObject(parsed);
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
