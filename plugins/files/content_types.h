#pragma once

#include <map>
#include <string>
#include <string_view>

namespace upgate::plugins::files {

// The media type of a file by the end of its name.
class ContentTypes {
 public:
  // `extension` without a dot; what stands behind the last dot of a name, or a name without one.
  // Any case.
  void Set(std::string_view extension, std::string type);

  // Of what was set, else of what is usual, text as UTF-8; else application/octet-stream. `path`
  // may have folders in front. The view lives as long as this and is not changed.
  std::string_view Of(std::string_view path) const;

 private:
  std::map<std::string, std::string, std::less<>> own_;
};

}  // namespace upgate::plugins::files
