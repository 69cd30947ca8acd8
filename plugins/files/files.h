#pragma once

#include <memory>

#include "gateway/plugin/service.h"

namespace upgate::plugins {

// Serves the files of a folder to GET and HEAD: conditional requests, ranges, precompressed
// encodings (RFC 9110). Options: see files/options.h. Reads from the disk on the loop's thread, a
// bounded amount per turn: for files in the page cache or on a fast disk, not for a slow network
// file system.
std::unique_ptr<plugin::Service> MakeFiles(plugin::ServiceSetup setup);

}  // namespace upgate::plugins
