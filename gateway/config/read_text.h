#pragma once

#include <expected>
#include <string>

namespace upgate::config {

// The name of the configuration file that stands for standard input.
inline constexpr const char* kStandardInput = "-";

// What is in a configuration file: a regular one, also at the end of symbolic links, or standard
// input. At most a little more than kMaxText, whose excess ParseYaml refuses. Everything else, a
// FIFO or a device, may have no end, or block for ever: it is not opened. The error says what is
// wrong, as a clause about the file.
std::expected<std::string, std::string> ReadText(const std::string& file);

}  // namespace upgate::config
