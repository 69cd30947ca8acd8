#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct z_stream_s;

namespace upgate::test {

// An independent implementation of RFC 7692, section 7.2, directly on zlib, to check the gateway's
// against. Deliberately shares no code with gateway/.

// Compresses messages; each may refer to earlier ones, unless `fresh`.
class RawDeflater {
 public:
  explicit RawDeflater(int window_bits = 15, int level = 6);
  ~RawDeflater();
  std::string Message(std::string_view message, bool fresh = false);

 private:
  std::unique_ptr<z_stream_s> stream_;
};

// Inflates messages; nothing for invalid deflate data.
class RawInflater {
 public:
  explicit RawInflater(int window_bits = 15);
  ~RawInflater();
  std::optional<std::string> Message(std::string_view payload, bool fresh = false);

 private:
  std::unique_ptr<z_stream_s> stream_;
};

// The payload of a message of zeros, a whole number of mebibytes, made without compressing all of
// them.
std::string DeflatedZeros(std::size_t mebibytes);

}  // namespace upgate::test
