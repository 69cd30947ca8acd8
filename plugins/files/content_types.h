#pragma once

#include <map>
#include <string>
#include <string_view>

namespace upgate::plugins::files {

// Media types by file name extension.
class ContentTypes {
 public:
  // `extension` without a dot: the part behind the last dot of a name, or a whole name without
  // dots. Case is ignored.
  void Set(std::string_view extension, std::string type);

  // The configured type, else the usual one, with UTF-8 for text; else application/octet-stream.
  // `path` may contain folders. The view is valid until this object is changed or destroyed.
  std::string_view Of(std::string_view path) const;

 private:
  std::map<std::string, std::string, std::less<>> own_;
};

}  // namespace upgate::plugins::files
