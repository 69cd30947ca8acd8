#include "gateway/app/secret_file.h"

#include <fmt/format.h>

#include "gateway/config/read_text.h"

namespace upgate::app {
namespace {

constexpr std::size_t kShortestSecret = 16;
constexpr std::string_view kWhiteSpace = " \t\r\n";

}  // namespace

std::expected<std::string, config::ConfigError> ReadSecretFile(const config::FilePath& file) {
  const auto wrong = [&](std::string_view why) {
    return std::unexpected(config::ConfigError{
        file.mark, file.key, fmt::format("{}: {}", config::PathExcerpt(file.path), why)});
  };
  auto text = config::ReadText(file.path);
  if (!text) return wrong(text.error());
  text->erase(text->find_last_not_of(kWhiteSpace) + 1);
  text->erase(0, text->find_first_not_of(kWhiteSpace));
  if (text->size() < kShortestSecret)
    return wrong(fmt::format(
        "has fewer than {} characters; write the output of openssl rand -hex 32", kShortestSecret));
  return std::move(*text);
}

}  // namespace upgate::app
