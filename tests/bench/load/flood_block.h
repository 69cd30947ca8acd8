#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/bytes.h"

namespace upgate::bench {

// What a flooder sends over and over: a block of whole units (messages, pings, requests), made
// once, of about 64 KiB.
class FloodBlock {
 public:
  // `kind`:
  //   empty   empty binary messages, 6 bytes each
  //   small   binary messages of 64 bytes
  //   bombs   messages of 1 MB of zeros, deflated to about 1 KB (RFC 7692)
  //   pings   pings of 125 bytes, the most that a control frame may carry
  //   http    requests, "GET `path`", one behind the other without waiting for answers
  // Ends the program for any other.
  FloodBlock(std::string_view kind, const std::string& path);

  bool websocket() const { return websocket_; }
  bool compressed() const { return compressed_; }  // needs permessage-deflate
  std::size_t size() const { return bytes_.size(); }
  std::size_t unit_size() const { return unit_size_; }
  // What follows after `sent` bytes of the stream, up to the end of a block.
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
