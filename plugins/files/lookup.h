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

// What the path of a request means beneath the root.
struct LocalPath {
  std::string names;    // "css/site.css": no empty names, no dots; empty for the root itself
  bool folder = false;  // ended with a slash: the folder's index is meant
};

// A prefix route gives what is behind its prefix, an exact one always the root's index, a regular
// expression the whole path. Nothing for what must not be found: hidden names (but .well-known at
// the top, RFC 8615) and encoded slashes and NULs, which no name can have.
std::optional<LocalPath> LocalPathOf(const config::PathPattern& route, const http::Target& target,
                                     bool dotfiles);

// The file that answers a request, in the encoding that suits the client.
struct Found {
  OpenFile file;
  std::string path;                // of the file without encoding; tells the media type
  const Coding* coding = nullptr;  // nullptr: none
};

// Or the answer when there is none: 301 to a folder's slash, 403, 404, 500, 503.
std::expected<Found, http::Response> FindFile(const Options& options,
                                              const config::PathPattern& route,
                                              const http::Request& request);

}  // namespace upgate::plugins::files
