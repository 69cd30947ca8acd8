#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

#include "gateway/http/refusal.h"

namespace upgate::http {

// Splits a chunked body (RFC 9112, section 7.1) into framing and data, and checks the framing
// strictly: CRLF only, plain hexadecimal sizes, well-formed and bounded extensions. No I/O, no
// copies. After a refusal the scanner must not be used until Reset.
//
// With Padding::kAllowed, up to 64 blanks may follow a size, as some old servers write them. Only
// one reading exists: nothing but an extension or the end of the line may come next. For responses
// only: requests have no need of it.
class ChunkScanner {
 public:
  enum class Kind : std::uint8_t {
    kFraming,
    kExtension,  // checked and skipped: no extension is supported
    kData,
    // Framing up to the end of the last chunk's line. The trailers that follow are not read here.
    kLastChunk,
  };
  struct Segment {
    Kind kind;
    std::size_t bytes;
  };

  enum class Padding : bool { kRefused, kAllowed };
  explicit ChunkScanner(Padding padding) : padding_(padding) {}

  void Reset() { *this = ChunkScanner(padding_); }
  // Returns the longest piece of one kind at the front of `input`, which must not be empty.
  std::expected<Segment, Refusal> Next(std::string_view input);

 private:
  enum class State : std::uint8_t {
    kFirstDigit,
    kSize,
    kPadding,
    kExtensionNameStart,
    kExtensionName,
    kExtensionValueStart,
    kExtensionValue,
    kQuoted,
    kQuotedPair,
    kQuotedEnd,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kLastChunk,
  };
  bool IsPadding(char c) const;
  bool IsExtension(char next) const;
  std::expected<void, Refusal> Take(char c);
  std::expected<void, Refusal> TakeSize(char c);
  std::expected<void, Refusal> TakePadding(char c);
  std::expected<void, Refusal> TakeExtension(char c);
  std::expected<void, Refusal> EndSizeLine(char c);

  Padding padding_;
  State state_ = State::kFirstDigit;
  std::uint8_t digits_ = 0;
  std::uint8_t blanks_ = 0;  // after the size of this chunk
  std::uint64_t size_ = 0;   // of the chunk, then the remaining bytes of it
  std::size_t extension_bytes_ = 0;
};

}  // namespace upgate::http
