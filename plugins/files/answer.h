#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "gateway/plugin/service.h"
#include "plugins/files/lookup.h"
#include "plugins/files/options.h"

namespace upgate::plugins::files {

// A piece of a body: generated text followed by bytes of the file.
struct Piece {
  std::string text;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// A response whose body comes from the file.
struct FileAnswer {
  http::Response head;  // 200 or 206
  std::vector<Piece> body;
  std::uint64_t length = 0;  // of the whole body
};

// The response to a GET or HEAD for `found`; unexpected are the responses without the file: 304,
// 412, 416. `now`: seconds since 1970. `entropy` is used for the multipart boundary.
std::expected<FileAnswer, http::Response> MakeAnswer(const Options& options, const Found& found,
                                                     const http::Request& request, std::int64_t now,
                                                     io::Entropy& entropy);

}  // namespace upgate::plugins::files
