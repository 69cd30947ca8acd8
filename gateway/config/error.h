#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace upgate::config {

// A place in the configuration file, counted from 1; line 0 where there is none.
struct Mark {
  int line = 0;
  int column = 0;
};

// Something wrong with the configuration: where, at which key, what, and what would be right.
struct ConfigError {
  Mark mark;
  std::string key;      // "listeners[0].address"; empty for the whole file
  std::string message;  // "unknown key; did you mean 'address'?"
};

// "upgate.yaml:3:5: listeners[0].adress: unknown key; did you mean 'address'?"
std::string ToString(const std::string& file, const ConfigError& error);

// In the order of the file; those of one place stay in theirs.
void SortByPlace(std::vector<ConfigError>& errors);

// Puts `more` behind `errors`.
void AppendAll(std::vector<ConfigError>& errors, std::vector<ConfigError> more);

// More of one file are not shown.
inline constexpr std::size_t kMaxErrors = 100;

// Whether one of `errors` is at `part`, such as "routes[2]", or below it.
bool HasErrorIn(const std::vector<ConfigError>& errors, const std::string& part);

}  // namespace upgate::config
