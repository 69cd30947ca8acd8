#include "gateway/admin/token_file.h"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/read_text.h"

namespace upgate::admin {
namespace {

// RFC 6750, section 2.1: b64token.
bool IsTokenCharacter(char c) {
  return IsAlpha(c) || IsDigit(c) || std::string_view("-._~+/=").contains(c);
}

std::string_view TakeLine(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

}  // namespace

std::expected<std::vector<std::string>, std::string> ParseTokens(std::string_view text) {
  std::vector<std::string> tokens;
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view token = Trim(TakeLine(text));
    if (token.empty() || token.starts_with('#')) continue;
    if (token.size() < kShortestToken) {
      return std::unexpected(fmt::format("the token in line {} is shorter than {} characters",
                                         number, kShortestToken));
    }
    if (!std::ranges::all_of(token, IsTokenCharacter)) {
      return std::unexpected(fmt::format(
          "line {} has a character that tokens cannot have; use letters, digits and -._~+/=",
          number));
    }
    tokens.emplace_back(token);
  }
  if (tokens.empty())
    return std::unexpected("has no token; write one, for example of openssl rand -hex 32");
  return tokens;
}

std::expected<std::vector<std::string>, config::ConfigError> ReadTokenFile(
    const config::FilePath& file) {
  const auto wrong = [&](const std::string& why) {
    return std::unexpected(config::ConfigError{
        file.mark, file.key, fmt::format("{}: {}", config::PathExcerpt(file.path), why)});
  };
  const auto text = config::ReadText(file.path);
  if (!text) return wrong(text.error());
  auto tokens = ParseTokens(*text);
  if (!tokens) return wrong(tokens.error());
  return std::move(*tokens);
}

}  // namespace upgate::admin
