#pragma once

#include <memory>

#include "gateway/plugin/service.h"

namespace upgate::plugins {

// Serves the files of a folder to GET and HEAD: conditional requests, ranges, encodings made
// beforehand (RFC 9110). Options: see files/options.h. Reads from the disk inside the loop, as much
// as a turn allows: made for files that the system has in memory or on a fast disk, not for a slow
// network file system.
std::unique_ptr<plugin::Service> MakeFiles(plugin::ServiceSetup setup);

}  // namespace upgate::plugins
