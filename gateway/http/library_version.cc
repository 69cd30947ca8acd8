#include "gateway/http/library_version.h"

#include <fmt/format.h>
#include <llhttp.h>

namespace upgate::http {

std::string LibraryVersion() {
  return fmt::format("{}.{}.{}", LLHTTP_VERSION_MAJOR, LLHTTP_VERSION_MINOR, LLHTTP_VERSION_PATCH);
}

}  // namespace upgate::http
