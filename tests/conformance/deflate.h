#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct z_stream_s;

namespace upgate::conformance {

// The suite's own permessage-deflate, based on zlib. RFC 7692, section 7.2.
class Deflater {
 public:
  // `window_bits`: 8 to 15; with 8 there are no back references, because zlib does not support it.
  Deflater(int window_bits, bool takeover);
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  std::string Deflate(std::string_view message);

 private:
  std::unique_ptr<z_stream_s> stream_;
  bool takeover_;
};

class Inflater {
 public:
  Inflater(int window_bits, bool takeover);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Nothing for invalid deflate data, or if it refers back beyond the window or, without takeover,
  // beyond its message.
  std::optional<std::string> Inflate(std::string_view compressed);

 private:
  std::unique_ptr<z_stream_s> stream_;
  bool takeover_;
};

}  // namespace upgate::conformance
