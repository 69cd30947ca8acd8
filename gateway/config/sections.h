#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/config/field.h"

namespace upgate::config {

// The parts that Parse is made of: each reads one section of the file into its struct, and leaves
// what is wrong in the list of its field.

// The longest that most waits can be set to.
inline constexpr Millis kHour = std::chrono::hours(1);

// The addresses that something listens on so far, and the line of each.
using Addresses = std::map<std::string, int>;

// An address that must not be taken yet; enters it.
ListenAddress ParseListenAddress(const Field& field, Addresses& taken);

// `folder` is what relative paths of files start from.
std::vector<Listener> ParseListeners(const Field& field, const std::filesystem::path& folder,
                                     Addresses& taken);
std::map<std::string, Backend> ParseBackends(const Field& field,
                                             const std::filesystem::path& folder);
std::vector<Route> ParseRoutes(const Field& field, const std::map<std::string, Backend>& backends);
std::optional<Cors> ParseCors(Field field);
// A list of dialects; nothing where the field is not there.
std::optional<DialectSet> ParseDialects(const Field& field);
// true, or a map of settings; nothing for false and where there is none.
std::optional<Compression> ParseCompression(Field field, const Compression& defaults);
// Bytes, of which each of the workers has its share; 0 where nothing is to be compressed.
// `workers`: 0 for as many as there are cores.
std::uint64_t ParseCompressionMemory(const Field& field, std::uint64_t fallback,
                                     std::size_t workers);

// The path of a file that must be named.
FilePath ParseFilePath(const Field& field, const std::filesystem::path& folder);
// The keys `cert` and `key`.
Certificate ParseCertificate(Field field, const std::filesystem::path& folder);

}  // namespace upgate::config
