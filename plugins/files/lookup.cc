#include "plugins/files/lookup.h"

#include <algorithm>
#include <utility>

#include "gateway/base/text.h"
#include "gateway/plugin/accept.h"

namespace upgate::plugins::files {
namespace {

constexpr std::string_view kWellKnown = ".well-known";

// The target keeps these encoded, so they look like parts of names here.
bool HasEncodedSeparator(std::string_view raw_path) {
  for (std::size_t at = raw_path.find('%'); at != std::string_view::npos;
       at = raw_path.find('%', at + 1)) {
    const std::string_view escape = raw_path.substr(at, 3);
    if (EqualsIgnoreCase(escape, "%2f") || escape == "%00") return true;
  }
  return false;
}

std::string_view Behind(const config::PathPattern& route, std::string_view path) {
  switch (route.kind) {
    case config::PathPattern::Kind::kExact:
      return "/";
    case config::PathPattern::Kind::kPrefix:
      return path.substr(std::min(route.text.size(), path.size()));
    case config::PathPattern::Kind::kRegex:
      break;
  }
  return path;
}

http::Response RefusalOf(OpenError error) {
  switch (error) {
    case OpenError::kForbidden:
      return http::TextResponse(403, "the gateway may not read this file");
    case OpenError::kBusy: {
      http::Response busy = http::TextResponse(503, "too many files are open");
      busy.headers.Add("Retry-After", "1");
      return busy;
    }
    case OpenError::kBroken:
      return http::TextResponse(500, "the file cannot be read");
    case OpenError::kNotFound:
    case OpenError::kFolder:
      break;
  }
  return http::TextResponse(404, "not found");
}

// Redirects to the same path with a slash, so that relative references in the page resolve inside
// the folder. The location is relative to the last component of the path, so it never leads to
// another host, whatever the path begins with, and is correct behind proxies that map paths. "./"
// keeps a colon in the name from looking like a scheme.
http::Response RedirectToFolder(const http::Target& target) {
  const std::string_view raw = target.raw_path;
  std::string location = "./" + std::string(raw.substr(raw.rfind('/') + 1)) + "/";
  if (target.has_query) location += "?" + target.query;
  http::Response response = http::TextResponse(301, "this is a folder: " + location);
  response.headers.Add("Location", location);
  return response;
}

// A sibling that is older than the file was made from an earlier version of it.
bool IsCurrent(const OpenFile& sibling, const OpenFile& file) {
  return std::pair(sibling.modified_s, sibling.modified_ns) >=
         std::pair(file.modified_s, file.modified_ns);
}

Found InBestEncoding(const Options& options, const http::Request& request, OpenFile file,
                     std::string path) {
  if (options.precompressed) {
    for (const Coding* coding : PreferredCodings(request.headers)) {
      auto sibling = options.root.OpenBeneath(path + std::string(coding->suffix));
      if (sibling && IsCurrent(*sibling, file))
        return {std::move(*sibling), std::move(path), coding};
    }
  }
  return {std::move(file), std::move(path)};
}

std::expected<Found, http::Response> FallBack(const Options& options,
                                              const http::Request& request) {
  http::Response missing = RefusalOf(OpenError::kNotFound);
  if (options.fallback.empty()) return std::unexpected(std::move(missing));
  if (http::AsksForHtml(request.headers)) {
    auto file = options.root.OpenBeneath(options.fallback);
    if (file) return InBestEncoding(options, request, std::move(*file), options.fallback);
  }
  missing.headers.Add("Vary", "Accept");
  return std::unexpected(std::move(missing));
}

}  // namespace

std::optional<LocalPath> LocalPathOf(const config::PathPattern& route, const http::Target& target,
                                     bool dotfiles) {
  if (HasEncodedSeparator(target.raw_path)) return {};
  std::string_view rest = Behind(route, target.path);
  LocalPath local{.names = {}, .folder = rest.ends_with('/')};
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view name = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (name.empty()) continue;
    if (name == "." || name == ".." || name.find('\0') != std::string_view::npos) return {};
    const bool well_known = local.names.empty() && name == kWellKnown;
    if (name.starts_with('.') && !dotfiles && !well_known) return {};
    if (!local.names.empty()) local.names += '/';
    local.names += name;
  }
  return local;
}

std::expected<Found, http::Response> FindFile(const Options& options,
                                              const config::PathPattern& route,
                                              const http::Request& request) {
  auto local = LocalPathOf(route, request.target, options.dotfiles);
  if (!local) return std::unexpected(RefusalOf(OpenError::kNotFound));
  if (local->names.empty() && !local->folder)
    return std::unexpected(RedirectToFolder(request.target));
  std::string path = std::move(local->names);
  if (local->folder) path += (path.empty() ? "" : "/") + options.index;
  auto file = options.root.OpenBeneath(path);
  if (file) return InBestEncoding(options, request, std::move(*file), std::move(path));
  if (file.error() == OpenError::kFolder && !local->folder)
    return std::unexpected(RedirectToFolder(request.target));
  if (file.error() == OpenError::kNotFound || file.error() == OpenError::kFolder)
    return FallBack(options, request);
  return std::unexpected(RefusalOf(file.error()));
}

}  // namespace upgate::plugins::files
