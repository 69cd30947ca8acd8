#include "gateway/route/readings.h"

#include <algorithm>
#include <cstdint>

#include "gateway/base/text.h"
#include "gateway/http/chars.h"

namespace upgate::route {
namespace {

// How a server interprets a path, in addition to removing dot segments.
struct Habits {
  bool slash = false;        // decodes %2F
  bool backslash = false;    // decodes %5C and treats a backslash as a slash
  bool folds = false;        // merges consecutive slashes
  bool drops_early = false;  // removes ";…" up to the next literal slash
  bool drops_late = false;   // removes ";…" up to the next slash, decoded ones included
};

constexpr unsigned kCombinations = 32;

Habits HabitsOf(unsigned bits) {
  return {.slash = (bits & 1) != 0,
          .backslash = (bits & 2) != 0,
          .folds = (bits & 4) != 0,
          .drops_early = (bits & 8) != 0,
          .drops_late = (bits & 16) != 0};
}

// Builds a path segment by segment.
class Built {
 public:
  explicit Built(bool folds) : folds_(folds) {}

  void Add(char c) { segment_ += c; }
  void EndSegment(bool last) {
    const bool dots = segment_ == "." || segment_ == "..";
    if (segment_ == "..") {
      const std::size_t slash = path_.rfind('/');
      path_.resize(slash == std::string::npos ? 0 : slash);
    }
    if (dots && last) path_ += '/';
    if (!dots && (last || !segment_.empty() || !folds_)) path_.append("/").append(segment_);
    segment_.clear();
  }
  std::string Take() { return path_.empty() ? "/" : std::move(path_); }

 private:
  const bool folds_;
  std::string path_;
  std::string segment_;
};

// Number of leading bytes that represent a slash; 0 if they do not.
std::size_t SlashAtFront(std::string_view rest, const Habits& habits) {
  if (rest.front() == '/') return 1;
  if (rest.front() == '\\') return habits.backslash ? 1 : 0;
  if (rest.front() != '%') return 0;
  if (habits.slash && EqualsIgnoreCase(rest.substr(0, 3), "%2f")) return 3;
  return habits.backslash && EqualsIgnoreCase(rest.substr(0, 3), "%5c") ? 3 : 0;
}

std::string Read(std::string_view path, const Habits& habits) {
  Built built(habits.folds);
  bool early = false, late = false;  // behind a ';' that removes what follows
  path.remove_prefix(1);
  while (!path.empty()) {
    const std::size_t slash = SlashAtFront(path, habits);
    const bool plain = path.front() == '/';
    if (path.front() == ';')
      (habits.drops_early ? early : late) = habits.drops_early || habits.drops_late;
    if (plain) early = false;
    if (slash > 0 && !early) {
      late = false;
      built.EndSegment(false);
    } else if (!early && !late) {
      built.Add(path.front());
    }
    path.remove_prefix(std::max<std::size_t>(slash, 1));
  }
  built.EndSegment(true);
  return built.Take();
}

// Stands for a semicolon that was encoded: some servers take only others for the beginning of
// parameters. No path has it, because %00 stays encoded.
constexpr char kEncodedSemicolon = '\0';

// The path as http::Target has it, but for encoded semicolons, from the one that is still encoded;
// empty if there are not semicolons of both kinds.
std::string WithEncodedSemicolons(std::string_view raw) {
  std::string path;
  bool encoded = false;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const std::string_view escape = raw[i] == '%' ? raw.substr(i, 3) : "";
    if (escape.empty() || EqualsIgnoreCase(escape, "%2f") || escape == "%00") {
      path += raw[i];
      continue;
    }
    const int byte = http::HexValue(escape[1]) * 16 + http::HexValue(escape[2]);
    encoded |= byte == ';';
    path += byte == ';' ? kEncodedSemicolon : static_cast<char>(byte);
    i += 2;
  }
  return encoded && path.contains(';') ? path : "";
}

void AddReadings(std::string_view path, std::vector<std::string>& readings) {
  const bool has_parameters = path.contains(';');
  const bool has_slash = path.contains("%2F") || path.contains("%2f");
  const bool has_backslash = path.contains('\\') || path.contains("%5C") || path.contains("%5c");
  for (unsigned bits = 1; bits < kCombinations; ++bits) {
    const Habits habits = HabitsOf(bits);
    if (habits.drops_early && habits.drops_late) continue;
    if ((habits.drops_early || habits.drops_late) && !has_parameters) continue;
    if ((habits.slash && !has_slash) || (habits.backslash && !has_backslash)) continue;
    std::string reading = Read(path, habits);
    std::ranges::replace(reading, kEncodedSemicolon, ';');
    if (reading != path && std::ranges::find(readings, reading) == readings.end())
      readings.push_back(std::move(reading));
  }
}

}  // namespace

std::vector<std::string> OtherReadings(std::string_view path) {
  std::vector<std::string> readings;
  if (path.starts_with('/')) AddReadings(path, readings);
  return readings;
}

std::vector<std::string> OtherReadings(const http::Target& target) {
  std::vector<std::string> readings = OtherReadings(target.path);
  if (const std::string path = WithEncodedSemicolons(target.raw_path); !path.empty())
    AddReadings(path, readings);
  std::erase(readings, target.path);
  return readings;
}

Routed FindRoute(const Router& router, const Facts& facts) {
  const http::Target& target = facts.request.target;
  const auto find = [&](std::string_view path) {
    return router.Find(facts.seen.host, path, facts);
  };
  const config::Route* route = find(target.path);
  if (!target.has_readings) return {route, false};
  Routed routed{route, false};
  std::vector<const config::Route*> all{route};
  for (const std::string& reading : OtherReadings(target)) {
    all.push_back(find(reading));
    routed.ambiguous |= all.back() != route;
  }
  if (!routed.ambiguous) return routed;
  routed.route = nullptr;
  std::ranges::sort(all);
  const auto again = std::ranges::unique(all);
  all.erase(again.begin(), again.end());
  std::erase(all, nullptr);
  routed.readings = std::move(all);
  return routed;
}

}  // namespace upgate::route
