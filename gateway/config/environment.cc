#include "gateway/config/environment.h"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/error.h"

namespace upgate::config {
namespace {

constexpr std::string_view kDefaultMark = ":-";
constexpr std::size_t kMaxScalar = 64 * 1024;

bool IsVariableName(std::string_view text) {
  const auto letter = [](char c) { return c == '_' || IsAlpha(c); };
  const auto follows = [&](char c) { return letter(c) || IsDigit(c); };
  return !text.empty() && letter(text.front()) && std::ranges::all_of(text, follows);
}

// The value of the text between `${` and `}`.
std::expected<std::string, std::string> LookUp(std::string_view inside, Environment environment) {
  const std::size_t mark = inside.find(kDefaultMark);
  const std::string name(inside.substr(0, mark));
  if (!IsVariableName(name)) {
    return std::unexpected(
        fmt::format("'${{{}}}' is not an environment variable; write ${{NAME}} or "
                    "${{NAME:-default}}, or $${{ for a literal ${{",
                    Excerpt(inside)));
  }
  const char* value = environment(name.c_str());
  if (mark != std::string_view::npos && (value == nullptr || *value == '\0')) {
    return std::string(inside.substr(mark + kDefaultMark.size()));
  }
  if (value == nullptr) {
    return std::unexpected(fmt::format(
        "the environment variable {0} is not set; set it, or give a default with ${{{0}:-value}}",
        Excerpt(name)));
  }
  return value;
}

}  // namespace

std::expected<std::string, std::string> ExpandEnvironment(std::string_view text,
                                                          Environment environment) {
  std::string out;
  while (true) {
    const std::size_t open = text.find("${");
    out += text.substr(0, open);
    if (open == std::string_view::npos) break;
    if (open > 0 && text[open - 1] == '$') {
      out += '{';  // the '$' before it was already copied
      text.remove_prefix(open + 2);
      continue;
    }
    const std::size_t close = text.find('}', open);
    if (close == std::string_view::npos) {
      return std::unexpected("'${' without '}'; write ${NAME}, or $${ for a literal ${");
    }
    auto value = LookUp(text.substr(open + 2, close - open - 2), environment);
    if (!value) return value;
    out += *value;
    if (out.size() > kMaxScalar)
      return std::unexpected("longer than 64 KiB with its environment variables");
    text.remove_prefix(close + 1);
  }
  return out;
}

}  // namespace upgate::config
