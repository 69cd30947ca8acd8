#include "plugins/auth/htpasswd.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "plugins/auth/places.h"
#include "plugins/watched/files.h"
#include "plugins/watched/lines.h"

namespace upgate::plugins {
namespace {

constexpr std::string_view kUse =
    "; use bcrypt (htpasswd -B), yescrypt (mkpasswd -m yescrypt) or SHA-512 (mkpasswd -m sha-512)";

// Empty if the hash is accepted.
std::string FaultOf(std::string_view hash) {
  constexpr std::array<std::string_view, 5> kAccepted{"$2y$", "$2b$", "$2a$", "$y$", "$6$"};
  constexpr std::size_t kLongest = 256;
  const auto begins = [&](std::string_view prefix) { return hash.starts_with(prefix); };
  const bool visible = std::ranges::all_of(hash, [](char c) { return c > 0x20 && c < 0x7f; });
  if (!visible || hash.size() > kLongest) return "is not 'user:hash'";
  if (std::ranges::any_of(kAccepted, begins)) return "";
  const std::string_view kind = begins("$apr1$") || begins("$1$") ? "has an MD5 hash"
                                : begins("{SHA}")                 ? "has a SHA-1 hash"
                                : begins("$5$")                   ? "has a SHA-256 hash"
                                : begins("$")                     ? "has a hash of an unknown kind"
                                              : "has a DES hash, or the password itself";
  return fmt::format("{}, which is not accepted", kind);
}

}  // namespace

std::expected<Htpasswd, std::string> Htpasswd::Read(const std::filesystem::path& file) {
  const auto text = ReadWhole(file, kMostBytes);
  if (!text) return std::unexpected(text.error());
  auto read = Parse(*text);
  if (!read) return std::unexpected(fmt::format("{}: {}", Shown(file), read.error()));
  return read;
}

std::expected<Htpasswd, std::string> Htpasswd::Parse(std::string_view text) {
  Htpasswd read;
  Lines lines(text);
  LineFaults faults;
  bool has_other_hash = false;
  for (auto line = lines.Next(); !line.empty(); line = lines.Next()) {
    const std::size_t colon = line.find(':');
    const std::string_view user = line.substr(0, colon);
    const bool named = !user.empty() && IsUserName(user);
    const std::string fault = colon == std::string_view::npos || !named
                                  ? "is not 'user:hash'"
                                  : FaultOf(line.substr(colon + 1));
    if (!fault.empty()) {
      faults.Add(lines.number(), fault);
      has_other_hash |= fault.starts_with("has a");
      continue;
    }
    read.users_.emplace(user, line.substr(colon + 1));
  }
  if (!faults.empty())
    return std::unexpected(faults.ToString() + std::string(has_other_hash ? kUse : ""));
  if (read.users_.empty()) return std::unexpected("has no users; add one with htpasswd -B");
  return read;
}

Htpasswd::Entry Htpasswd::Find(std::string_view user) const {
  const auto found = users_.find(user);
  if (found != users_.end()) return {found->second, true};
  return {users_.begin()->second, false};
}

void Htpasswd::Tell(Log& log, const std::filesystem::path& file) const {
  log.Info("password file read", {{"file", file.string()}, {"users", size()}});
}

}  // namespace upgate::plugins
