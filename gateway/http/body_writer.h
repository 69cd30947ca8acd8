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

// A field that cannot break the framing of a message: no CR, LF, NUL or bad name.
bool FieldCanBeSent(std::string_view name, std::string_view value);
inline bool CanBeSent(const Header& header) {
  return FieldCanBeSent(header.name, header.value);
}

// Content-Length and Transfer-Encoding: written only from what is known about the body.
bool IsFramingHeader(std::string_view name);

// Appends "name: value" and the line's end.
void AddField(std::string& out, std::string_view name, std::string_view value);

// Frames one body (RFC 9112, sections 6 and 7.1), of a request or a response. No I/O.
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

  // What follows the head that was begun; each but None and ToEnd adds its header to `head`.
  void BeginNone() { framing_ = Framing::kNone; }
  void BeginLength(std::string& head, std::uint64_t length);
  void BeginChunked(std::string& head);
  void BeginToEnd() { framing_ = Framing::kToEnd; }

  // More than the promised length is cut off. No slices when there is no body.
  Framed Body(Bytes bytes);
  // The end of the body; trailers that cannot stand there are left out. Nothing when less was sent
  // than promised: the connection has to be broken off.
  std::optional<std::string> End(const Headers& trailers);

  // Body has something to write.
  bool has_body() const { return framing_ != Framing::kNone; }
  // End has something to write.
  bool has_end() const { return framing_ == Framing::kChunked; }

 private:
  enum class Framing : std::uint8_t { kNone, kLength, kChunked, kToEnd };

  Framing framing_ = Framing::kNone;
  std::uint64_t left_ = 0;  // of a promised length
  std::string chunk_head_;
};

}  // namespace upgate::http
