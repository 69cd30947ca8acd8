#include "gateway/config/error.h"

#include <fmt/format.h>

namespace upgate::config {

std::string ToString(const std::string& file, const ConfigError& error) {
  std::string out = file;
  if (error.mark.line > 0) {
    if (!out.empty()) out += ':';
    out += fmt::format("{}:{}", error.mark.line, error.mark.column);
  }
  if (!out.empty()) out += ": ";
  if (!error.key.empty()) out += error.key + ": ";
  return out + error.message;
}

}  // namespace upgate::config
