#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/bytes.h"
#include "gateway/http/message.h"

namespace upgate::http {

// True if the field cannot break the message framing: no CR, LF or NUL, and a valid name.
bool FieldCanBeSent(std::string_view name, std::string_view value);
inline bool CanBeSent(const Header& header) {
  return FieldCanBeSent(header.name, header.value);
}

// True for Content-Length and Transfer-Encoding, which are written only from the known body length.
bool IsFramingHeader(std::string_view name);

// Appends "name: value" and CRLF.
void AddField(std::string& out, std::string_view name, std::string_view value);

// Frames one message body (RFC 9112, sections 6 and 7.1), of a request or a response. No I/O.
class BodyWriter {
 public:
  // The slices that carry one piece of a body; valid until the next call on the writer.
  class Framed {
   public:
    static constexpr std::size_t kMaxSlices = 3;
    std::span<const Bytes> slices() const { return std::span(slices_).first(count_); }
    void Add(Bytes bytes) { slices_[count_++] = bytes; }

   private:
    std::array<Bytes, kMaxSlices> slices_;
    std::size_t count_ = 0;
  };

  // Set the framing that follows the head. BeginLength and BeginChunked append their header to
  // `head`.
  void BeginNone() { framing_ = Framing::kNone; }
  void BeginLength(std::string& head, std::uint64_t length);
  void BeginChunked(std::string& head);
  void BeginToEnd() { framing_ = Framing::kToEnd; }

  // Bytes beyond the promised length are dropped. No slices if the message has no body.
  Framed Body(Bytes bytes);
  // Ends the body; fields that are not allowed as trailers are left out. Returns nullopt if fewer
  // bytes were sent than promised: the connection must then be aborted.
  std::optional<std::string> End(const Headers& trailers);

  // True if Body may return bytes to write.
  bool has_body() const { return framing_ != Framing::kNone; }
  // True if End returns bytes to write.
  bool has_end() const { return framing_ == Framing::kChunked; }

 private:
  enum class Framing : std::uint8_t { kNone, kLength, kChunked, kToEnd };

  Framing framing_ = Framing::kNone;
  std::uint64_t left_ = 0;  // left of the promised length
  std::string chunk_head_;
};

}  // namespace upgate::http
