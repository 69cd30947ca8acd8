#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/bytes.h"

namespace upgate::bench {

// The data that a flooder sends repeatedly: a block of about 64 KiB of whole units (messages,
// pings, requests), made once.
class FloodBlock {
 public:
  // `kind`:
  //   empty   empty binary messages, 6 bytes each
  //   small   binary messages of 64 bytes
  //   bombs   messages of 1 MB of zeros, deflated to about 1 KB (RFC 7692)
  //   pings   pings of 125 bytes, the maximum for a control frame
  //   http    pipelined requests, "GET `path`"
  // Ends the program for any other kind.
  FloodBlock(std::string_view kind, const std::string& path);

  bool websocket() const { return websocket_; }
  bool compressed() const { return compressed_; }  // needs permessage-deflate
  std::size_t size() const { return bytes_.size(); }
  std::size_t unit_size() const { return unit_size_; }
  // The bytes after the first `sent` bytes of the stream, up to the end of a block.
  Bytes From(std::uint64_t sent) const {
    return Bytes(bytes_).subspan(static_cast<std::size_t>(sent % bytes_.size()));
  }

 private:
  bool websocket_ = true;
  bool compressed_ = false;
  std::size_t unit_size_ = 0;
  std::vector<std::byte> bytes_;
};

}  // namespace upgate::bench
