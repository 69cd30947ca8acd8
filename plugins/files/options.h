#pragma once

#include <string>

#include "gateway/plugin/service.h"
#include "plugins/files/content_types.h"
#include "plugins/files/folder.h"

namespace upgate::plugins::files {

// The validated options of a route. Defaults are defined here.
struct Options {
  Folder root;
  std::string index = "index.html";  // the file served for a folder
  std::string fallback;       // served for pages that do not exist, beneath the root; empty: 404
  std::string cache_control;  // the header's value; empty: no header
  ContentTypes content_types;
  bool precompressed = false;  // serve file.br, file.zst and file.gz in place of file
  bool dotfiles = false;       // serve names that begin with a dot
};

// Opens the root. Errors are added to the setup's options; the result must not be used then.
Options ReadOptions(plugin::ServiceSetup& setup);

}  // namespace upgate::plugins::files
