#include "plugins/auth/token_list.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/plugin/credentials.h"
#include "plugins/auth/places.h"
#include "plugins/watched/files.h"
#include "plugins/watched/lines.h"

namespace upgate::plugins {

std::expected<TokenList, std::string> TokenList::Read(const std::filesystem::path& file) {
  auto text = ReadWhole(file, kMostBytes);
  if (!text) return std::unexpected(std::move(text.error()));
  auto list = Parse(*text);
  tls::Wipe(*text);
  if (!list) return std::unexpected(fmt::format("{}: {}", Shown(file), list.error()));
  return list;
}

std::expected<TokenList, std::string> TokenList::Parse(std::string_view text) {
  TokenList list;
  list.key_ = tls::RandomKey();
  Lines lines(text);
  LineFaults faults;
  for (auto line = lines.Next(); !line.empty(); line = lines.Next()) {
    if (const std::string fault = list.Add(line); !fault.empty()) faults.Add(lines.number(), fault);
  }
  if (!faults.empty()) return std::unexpected(faults.ToString());
  return list;
}

std::string TokenList::Add(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return "is not 'name: token'";
  const std::string name(Trim(line.substr(0, colon)));
  if (!IsUserName(name)) return "has a name that is too long or has control characters";
  const std::string_view token = Trim(line.substr(colon + 1));
  if (std::ranges::any_of(token, IsControl)) return "has a control character in it";
  if (token.size() < kShortest) {
    return fmt::format(
        "has a token of fewer than {} characters; write the output of openssl rand -hex 32",
        kShortest);
  }
  auto identity = std::make_shared<const plugin::Identity>(name);
  if (!names_.emplace(DigestOf(token), std::move(identity)).second)
    return "has a token that is there twice";
  return {};
}

std::string TokenList::DigestOf(std::string_view token) const {
  const auto digest = tls::HmacSha256(key_, token);
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::shared_ptr<const plugin::Identity> TokenList::Find(std::string_view token) const {
  const auto found = names_.find(DigestOf(token));
  return found != names_.end() ? found->second : nullptr;
}

void TokenList::Tell(Log& log, const std::filesystem::path& file) const {
  log.Info("token list read", {{"file", file.string()}, {"tokens", size()}});
}

}  // namespace upgate::plugins
