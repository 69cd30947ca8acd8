#pragma once

#include <string>

#include "gateway/plugin/service.h"
#include "plugins/files/content_types.h"
#include "plugins/files/folder.h"

namespace upgate::plugins::files {

// What a route says about its files; checked. Defaults stand here.
struct Options {
  Folder root;
  std::string index = "index.html";  // what stands for a folder
  std::string fallback;              // for pages that are not there, beneath the root; empty: 404
  std::string cache_control;         // the header's value; empty: no header
  ContentTypes content_types;
  bool precompressed = false;  // file.br, file.zst and file.gz answer for file
  bool dotfiles = false;       // names that begin with a dot are served
};

// Opens the root. What is wrong is added to the setup's options, and the result is not to be used
// then.
Options ReadOptions(plugin::ServiceSetup& setup);

}  // namespace upgate::plugins::files
