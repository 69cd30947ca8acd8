// The keys of a backend that say how its servers are chosen.
#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/sections.h"

namespace upgate::config {
namespace {

struct BalanceName {
  std::string_view name;
  Balance balance;
};
constexpr BalanceName kBalances[] = {{"round_robin", Balance::kRoundRobin},
                                     {"least_sessions", Balance::kLeastSessions},
                                     {"random_two", Balance::kRandomTwo},
                                     {"hash", Balance::kHash}};

// What other proxies call a policy, or nearly the same.
struct ForeignBalance {
  std::string_view name;
  std::string_view write;
};
constexpr std::string_view kByClient = "balance: hash and hash: client";
constexpr std::string_view kByPath = "balance: hash and hash: path";
constexpr ForeignBalance kForeignBalances[] = {
    {"first", "least_sessions, and max_sessions of the servers"},
    {"hdr", "balance: hash and hash: header NAME"},
    {"ip_hash", kByClient},
    {"least_conn", "least_sessions"},
    {"least_connections", "least_sessions"},
    {"least_request", "least_sessions"},
    {"leastconn", "least_sessions"},
    {"maglev", "hash"},
    {"p2c", "random_two"},
    {"random", "random_two"},
    {"ring_hash", "hash"},
    {"roundrobin", "round_robin"},
    {"rr", "round_robin"},
    {"source", kByClient},
    {"static-rr", "round_robin"},
    {"uri", kByPath},
    {"url_param", "balance: hash and hash: query NAME"},
    {"wrr", "round_robin, and weight of the servers"},
};

struct HashKind {
  std::string_view name;
  HashKey::Kind kind;
  bool named;
};
constexpr HashKind kHashKinds[] = {
    {"client", HashKey::Kind::kClient, false}, {"path", HashKey::Kind::kPath, false},
    {"host", HashKey::Kind::kHost, false},     {"header", HashKey::Kind::kHeader, true},
    {"cookie", HashKey::Kind::kCookie, true},  {"query", HashKey::Kind::kQuery, true}};

// "header X-User" as the kind and the name.
std::pair<std::string_view, std::string_view> SplitHashKey(std::string_view text) {
  const std::size_t end = text.find_first_of(" :(");
  if (end == std::string_view::npos) return {text, {}};
  return {text.substr(0, end), Trim(text.substr(end + 1))};
}

void ParseHash(const Field& balance, const Field& hash, Backend& backend) {
  if (const auto key = hash.Maybe<HashKey>()) backend.hash = *key;
  const bool by_hash = backend.balance == Balance::kHash;
  if (hash.present() && !by_hash && balance.sound()) {
    hash.Error("has no effect without balance: hash");
  } else if (!hash.present() && by_hash) {
    hash.Error(fmt::format("missing; balance: hash needs {}", Syntax<HashKey>::kForm));
  }
}

std::string ParseCookiePath(const Field& field, std::string fallback) {
  auto path = field.Optional(std::move(fallback));
  const auto allowed = [](char c) { return c > 0x20 && c < 0x7f && c != ';' && c != ','; };
  if (!path.starts_with('/') || !std::ranges::all_of(path, allowed)) {
    field.Refuse({"is not a path for a cookie", "write a path such as / or /app"}, "");
  }
  return path;
}

std::optional<Sticky> ParseSticky(Field field, const std::filesystem::path& folder) {
  if (!field.present()) return {};
  Sticky sticky;
  if (field.value().kind == Value::Kind::kScalar)
    return field.Optional(false) ? std::optional(sticky) : std::nullopt;
  constexpr Millis kYear = std::chrono::hours(24 * 365);
  sticky.cookie = field["cookie"].Optional(Token{sticky.cookie}).text;
  sticky.max_age = field["max_age"].Optional(sticky.max_age, {Millis{0}, kYear});
  if (sticky.max_age.count() % 1000 != 0)
    field["max_age"].Refuse({"is not a whole number of seconds"}, "");
  sticky.path = ParseCookiePath(field["path"], sticky.path);
  using Secure = Sticky::Secure;
  using SameSite = Sticky::SameSite;
  sticky.secure = field["secure"].OneOf<Secure>(
      {{"auto", Secure::kAuto}, {"true", Secure::kYes}, {"false", Secure::kNo}}, sticky.secure);
  const Field same_site = field["same_site"];
  sticky.same_site = same_site.OneOf<SameSite>(
      {{"lax", SameSite::kLax}, {"strict", SameSite::kStrict}, {"none", SameSite::kNone}},
      sticky.same_site);
  if (sticky.same_site == SameSite::kNone && sticky.secure == Secure::kNo)
    same_site.Error("browsers ignore such a cookie unless it is secure; write secure: true");
  if (const Field file = field["secret_file"]; file.present())
    sticky.secret_file = ParseFilePath(file, folder);
  field.RejectUnknownKeys();
  return sticky;
}

std::optional<Ejection> ParseEjection(Field field) {
  Ejection ejection;
  if (!field.present()) return ejection;
  if (field.value().kind == Value::Kind::kScalar)
    return field.Optional(true) ? std::optional(ejection) : std::nullopt;
  ejection.failures = field["failures"].Optional(ejection.failures, {1, 1000});
  ejection.time = field["time"].Optional(ejection.time, {Millis{1}, kLongestEjection});
  ejection.most = field["most"].Optional(Percent{ejection.most}).percent;
  field.RejectUnknownKeys();
  return ejection;
}

}  // namespace

Reading<Balance> Syntax<Balance>::Read(std::string_view text) {
  const auto* known = std::ranges::find(kBalances, text, &BalanceName::name);
  if (known != std::end(kBalances)) return known->balance;
  const std::string lower = ToLower(text.substr(0, text.find_first_of(" (:")));
  const auto* foreign = std::ranges::find(kForeignBalances, lower, &ForeignBalance::name);
  if (foreign != std::end(kForeignBalances))
    return Refuse({}, fmt::format("write {}", foreign->write));
  if (lower == "hash") return Refuse({}, "write balance: hash, and the key of it in hash");
  std::vector<std::string_view> names;
  for (const BalanceName& balance : kBalances) names.push_back(balance.name);
  const std::string_view near = NearestOf(lower, names);
  return Refuse({}, near.empty() ? "" : fmt::format("did you mean '{}'?", near));
}

Reading<HashKey> Syntax<HashKey>::Read(std::string_view text) {
  const auto [word, name] = SplitHashKey(text);
  const auto* known = std::ranges::find(kHashKinds, word, &HashKind::name);
  if (known == std::end(kHashKinds)) {
    if (word == "source" || word == "ip") return Refuse({}, "write client");
    if (word == "uri") return Refuse({}, "write path");
    std::vector<std::string_view> names;
    for (const HashKind& kind : kHashKinds) names.push_back(kind.name);
    const std::string_view near = NearestOf(ToLower(word), names);
    return Refuse({}, near.empty() ? "" : fmt::format("did you mean '{}'?", near));
  }
  if (!known->named) {
    if (word.size() != text.size()) return Refuse("has a name", fmt::format("write {}", word));
    return HashKey{known->kind, {}};
  }
  if (name.empty()) return Refuse("has no name", fmt::format("write {} NAME", word));
  if (text[word.size()] != ' ')
    return Refuse("is not written with a space", fmt::format("write {} {}", word, Excerpt(name)));
  const bool is_name = known->kind == HashKey::Kind::kQuery
                           ? std::ranges::none_of(name, [](char c) { return IsControl(c); })
                           : Syntax<Token>::Read(name).has_value();
  if (!is_name) return Refuse("has a character that such a name cannot have");
  return HashKey{known->kind, std::string(name)};
}

void ParseBalancing(Field& field, const std::filesystem::path& folder, Backend& backend) {
  const Field balance = field["balance"];
  backend.balance = balance.Optional(backend.balance);
  ParseHash(balance, field["hash"], backend);
  const Field slow_start = field["slow_start"];
  backend.slow_start = slow_start.Optional(backend.slow_start, {Millis{0}, kHour});
  if (backend.balance == Balance::kHash && backend.slow_start.count() != 0)
    slow_start.Error("has no effect with balance: hash, where every key has its server");
  backend.sticky = ParseSticky(field["sticky"], folder);
  backend.ejection = ParseEjection(field["ejection"]);
  if (!backend.servers.empty() && std::ranges::all_of(backend.servers, &Server::backup))
    field["servers"].Error("has only backups; leave backup out for at least one server");
}

}  // namespace upgate::config
