#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "gateway/plugin/service.h"
#include "plugins/files/lookup.h"
#include "plugins/files/options.h"

namespace upgate::plugins::files {

// A piece of a body: text of ours, and then bytes of the file.
struct Piece {
  std::string text;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// An answer whose body comes from the file.
struct FileAnswer {
  http::Response head;  // 200 or 206
  std::vector<Piece> body;
  std::uint64_t length = 0;  // of the whole body
};

// What a GET or HEAD for `found` is answered with; unexpected are the answers that do without the
// file: 304, 412, 416. `now`: seconds since 1970. `entropy` is for the boundary of several parts.
std::expected<FileAnswer, http::Response> MakeAnswer(const Options& options, const Found& found,
                                                     const http::Request& request, std::int64_t now,
                                                     io::Entropy& entropy);

}  // namespace upgate::plugins::files
