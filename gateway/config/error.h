#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace upgate::config {

// A place in the configuration file, counted from 1; line 0 if there is none.
struct Mark {
  int line = 0;
  int column = 0;
};

// An error in the configuration: its place, its key, and a message that says what would be valid.
struct ConfigError {
  Mark mark;
  std::string key;      // "listeners[0].address"; empty for the whole file
  std::string message;  // "unknown key; did you mean 'address'?"
};

// Something that stands in the file, or was put there by the environment, for a message: in one
// line of printable ASCII, with \xHH for all else, and cut at 60 characters, with "..." for the
// rest. Every message that quotes a value, or puts it right, goes through here.
std::string Excerpt(std::string_view text);
// The same of the path of a file, of which the end tells most: cut in its middle to 120 characters.
std::string PathExcerpt(std::string_view path);

// "upgate.yaml:3:5: listeners[0].adress: unknown key; did you mean 'address'?"
std::string ToString(const std::string& file, const ConfigError& error);

// Sorts by file order; errors at the same place keep their order.
void SortByPlace(std::vector<ConfigError>& errors);

// Appends `more` to `errors`.
void AppendAll(std::vector<ConfigError>& errors, std::vector<ConfigError> more);

// Maximum number of errors reported for one file.
inline constexpr std::size_t kMaxErrors = 100;

// True if one of `errors` is at `part`, such as "routes[2]", or below it.
bool HasErrorIn(const std::vector<ConfigError>& errors, const std::string& part);

}  // namespace upgate::config
