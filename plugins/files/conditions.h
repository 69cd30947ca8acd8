#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/plugin/service.h"
#include "plugins/files/folder.h"

namespace upgate::plugins::files {

// Distinguish one version of a file from another (RFC 9110, section 8.8).
struct Validators {
  std::string etag;                           // the header value; empty: none
  std::optional<std::int64_t> last_modified;  // seconds since 1970
};

// `variant` distinguishes the tags of a file's encodings; empty for the file itself. `now`: seconds
// since 1970.
Validators ValidatorsOf(const OpenFile& file, std::string_view variant, std::int64_t now);

enum class Verdict : std::uint8_t { kServe, kNotModified, kPreconditionFailed };

// Evaluates If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since of a GET or HEAD, in
// that order (RFC 9110, section 13.2.2).
Verdict EvaluateConditions(const http::Headers& headers, const Validators& current,
                           std::int64_t now);

// True if Range applies: no If-Range, or its condition is true (RFC 9110, section 13.1.5).
bool IfRangeHolds(const http::Headers& headers, const Validators& current, std::int64_t now);

}  // namespace upgate::plugins::files
