#pragma once

#include <expected>
#include <string>

namespace upgate::config {

// The file name that stands for standard input.
inline constexpr const char* kStandardInput = "-";

// Reads a configuration file: a regular file, also through symbolic links, or standard input. Reads
// only slightly more than kMaxText, which ParseYaml then refuses. Anything else, such as a FIFO or
// a device, may have no end or block forever, so it is not opened. The error is a clause about the
// file.
std::expected<std::string, std::string> ReadText(const std::string& file);

}  // namespace upgate::config
