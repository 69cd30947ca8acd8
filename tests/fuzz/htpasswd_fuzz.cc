// Files of users and of tokens: every user that is found has a line with that hash, which is one of
// those that take long to try, and errors can be shown. Input: the text of the file.

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/text.h"
#include "plugins/auth/htpasswd.h"
#include "plugins/auth/token_list.h"
#include "tests/fuzz/fuzz.h"

namespace upgate::plugins::htpasswd_fuzz {
namespace {

using fuzz::Require;

// Calls `with` for the part before the first colon of each line, and for the rest.
template <class With>
void ForEachLine(std::string_view text, With&& with) {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = Trim(line);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos) with(line.substr(0, colon), line.substr(colon + 1));
  }
}

bool IsSlow(std::string_view hash) {
  constexpr std::array<std::string_view, 5> kSlow{"$2a$", "$2b$", "$2y$", "$y$", "$6$"};
  return std::ranges::any_of(kSlow, [&](auto begin) { return hash.starts_with(begin); });
}

void RunUsers(std::string_view text) {
  const auto users = Htpasswd::Parse(text);
  if (!users) return Require(std::ranges::none_of(users.error(), IsControl));
  std::size_t known = 0;
  ForEachLine(text, [&](std::string_view user, std::string_view) {
    const auto entry = users->Find(user);
    if (!entry.known) return;
    ++known;
    Require(IsSlow(entry.hash) && text.contains(entry.hash));
  });
  Require(known >= users->size());
}

void RunTokens(std::string_view text) {
  const auto tokens = TokenList::Parse(text);
  if (!tokens) return Require(std::ranges::none_of(tokens.error(), IsControl));
  std::size_t known = 0;
  ForEachLine(text, [&](std::string_view, std::string_view token) {
    if (const auto identity = tokens->Find(Trim(token))) {
      ++known;
      Require(std::ranges::none_of(identity->user, IsControl));
    }
  });
  Require(known >= tokens->size());
  Require(!tokens->Find(""));
}

}  // namespace
}  // namespace upgate::plugins::htpasswd_fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  upgate::fuzz::Input input(data, size);
  const std::string text(input.Rest());
  upgate::plugins::htpasswd_fuzz::RunUsers(text);
  upgate::plugins::htpasswd_fuzz::RunTokens(text);
  return 0;
}
