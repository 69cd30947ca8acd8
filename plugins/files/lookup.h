#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/plugin/service.h"
#include "plugins/files/folder.h"
#include "plugins/files/negotiation.h"
#include "plugins/files/options.h"

namespace upgate::plugins::files {

// The path of a request relative to the root.
struct LocalPath {
  std::string names;    // "css/site.css": no empty components, no dots; empty for the root itself
  bool folder = false;  // it ended with a slash and refers to the folder's index
};

// For a prefix route, the part behind the prefix; for an exact route, always the root's index; for
// a regular expression, the whole path. nullopt for paths that must not be found: hidden names
// (except .well-known at the top, RFC 8615) and encoded slashes and NULs, which no name can
// contain.
std::optional<LocalPath> LocalPathOf(const config::PathPattern& route, const http::Target& target,
                                     bool dotfiles);

// The file for a request, in the encoding selected for the client.
struct Found {
  OpenFile file;
  std::string path;                // of the unencoded file; determines the media type
  const Coding* coding = nullptr;  // nullptr: none
};

// Or the response if there is none: 301 to a folder with a slash, 403, 404, 500, 503.
std::expected<Found, http::Response> FindFile(const Options& options,
                                              const config::PathPattern& route,
                                              const http::Request& request);

}  // namespace upgate::plugins::files
