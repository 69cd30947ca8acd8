#include "gateway/plugin/path_captures.h"

#include <re2/re2.h>

#include "gateway/config/config.h"
#include "gateway/http/chars.h"

namespace upgate::plugin {
namespace {

// Where in the encoded path each byte of the decoded one comes from, and where it ends; kWithin for
// a place within an escape.
constexpr std::size_t kWithin = std::string_view::npos;

std::vector<std::size_t> PlacesIn(std::string_view raw) {
  std::vector<std::size_t> places;
  places.reserve(raw.size() + 1);
  for (std::size_t at = 0; at < raw.size();) {
    places.push_back(at);
    const bool escape = raw[at] == '%' && raw.size() - at >= 3;
    if (!escape) {
      ++at;
      continue;
    }
    const int byte = http::HexValue(raw[at + 1]) * 16 + http::HexValue(raw[at + 2]);
    // These stay encoded in the decoded path.
    if (byte == '/' || byte == 0) places.insert(places.end(), 2, kWithin);
    at += 3;
  }
  places.push_back(raw.size());
  return places;
}

}  // namespace

struct PathCaptures::Expression {
  explicit Expression(const std::string& text) : regex(text, Options()) {}
  static RE2::Options Options() {
    RE2::Options options(RE2::Quiet);
    options.set_max_mem(config::PathPattern::kRegexMemory);
    return options;
  }
  RE2 regex;
};

PathCaptures::PathCaptures(const std::string& expression)
    : expression_(std::make_unique<const Expression>(expression)),
      groups_(static_cast<std::size_t>(expression_->regex.NumberOfCapturingGroups())) {}

PathCaptures::~PathCaptures() = default;

std::optional<std::vector<std::string_view>> PathCaptures::Of(const http::Target& target) const {
  const std::string& path = target.path;
  std::vector<re2::StringPiece> found(groups_ + 1);
  if (!expression_->regex.Match(path, 0, path.size(), RE2::UNANCHORED, found.data(),
                                static_cast<int>(found.size())))
    return {};
  const std::vector<std::size_t> places = PlacesIn(target.raw_path);
  if (places.size() != path.size() + 1) return {};
  std::vector<std::string_view> captures;
  for (const re2::StringPiece& group : found) {
    if (group.data() == nullptr) {
      captures.emplace_back();
      continue;
    }
    const auto begin = static_cast<std::size_t>(group.data() - path.data());
    const std::size_t from = places[begin];
    const std::size_t to = places[begin + group.size()];
    if (from == kWithin || to == kWithin) return {};
    captures.push_back(std::string_view(target.raw_path).substr(from, to - from));
  }
  return captures;
}

}  // namespace upgate::plugin
