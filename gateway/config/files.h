#pragma once

#include <optional>
#include <string>

#include "gateway/config/error.h"

namespace upgate::config {

// A file path, made absolute relative to the folder of the configuration file, and its place in the
// file.
struct FilePath {
  std::string path;
  Mark mark;
  std::string key;  // "listeners[0].tls.certificates[0].cert"
};

// A warning if every user of the machine may read the file, for those with secrets.
std::optional<ConfigError> ExposedFile(const FilePath& file);

struct Certificate {
  FilePath cert;  // PEM: the certificate and its chain
  FilePath key;   // PEM
};

}  // namespace upgate::config
