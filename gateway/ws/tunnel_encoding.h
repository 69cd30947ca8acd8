#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/base64.h"
#include "gateway/base/bytes.h"
#include "gateway/config/config.h"
#include "gateway/io/stream.h"
#include "gateway/ws/frame.h"
#include "gateway/ws/utf8.h"

namespace upgate::ws {

// Conversion between the bytes of a byte-stream backend (tcp, tls, unix) and the frames of its
// client. One object of each class per session, on its loop's thread; they do no I/O and own no
// buffer. An error is the Close to send to the client; after that the object must not be used.
//
// A tunnel uses them like this, with `scratch` a string that all sessions of the loop share:
//
//   client's OnBytes(data):   scratch.clear();
//                             scratch.reserve(FrameUnpacker::ScratchSize(data.size()));
//                             for each data part: slices += unpacker.Unpack(part, scratch);
//                             backend.Write(slices);
//   backend's OnBytes(data):  frame = packer.Pack(data, scratch);
//                             if it is not empty: client.Write(frame);
//   backend's OnEnd():        packer.Finish(): its error is the Close, else 1000

// "binary", "text" or "base64", as in `?encoding=`, case-insensitive.
std::optional<config::Encoding> ParseEncoding(std::string_view name);

// Client to backend. `encoding` is not kAuto.
class FrameUnpacker {
 public:
  explicit FrameUnpacker(config::Encoding encoding) : encoding_(encoding) {}

  // Maximum number of bytes that one read of `size` bytes can add to a scratch string.
  static constexpr std::size_t ScratchSize(std::size_t size) { return size / 4 * 3 + 3; }

  // Decodes a part of a data frame: returns its payload, or, for base64, the bytes appended to
  // `scratch`. The view stays valid until `scratch` is changed other than by further calls within
  // its capacity. May be empty. Errors: 1003 for a binary frame in text or base64; 1007 for text
  // that is not base64 or ends in the middle of a group. Each message is one base64 text.
  std::expected<Bytes, ProtocolError> Unpack(const FramePart& part, std::string& scratch);

 private:
  config::Encoding encoding_;
  Base64Stream base64_;
};

// Splits a byte stream into pieces of text at code-point boundaries; keeps at most three bytes
// between calls.
class TextCutter {
 public:
  static constexpr std::size_t kMaxCarried = 3;

  // Returns all complete characters not returned yet, in one piece: `data` without an incomplete
  // character at its end, preceded by the bytes kept from the previous call. Those are copied into
  // the kMaxCarried bytes before `data`, which must be writable. Empty if no character is complete.
  // Error: 1007 at a byte that is not UTF-8; nothing of `data` is returned.
  std::expected<MutableBytes, ProtocolError> Cut(MutableBytes data);

  // The stream has ended: error 1007 if that is inside a character.
  std::expected<void, ProtocolError> Finish() const;

  std::size_t carried() const { return carried_size_; }

 private:
  Utf8Checker utf8_;
  std::uint8_t carried_size_ = 0;
  std::array<std::byte, kMaxCarried> carried_{};
};

// Backend to client, without a mask. `encoding` is not kAuto.
class FramePacker {
 public:
  // Writable bytes that Pack needs before its data: the longest header and the bytes carried over
  // from earlier text.
  static constexpr std::size_t kHeadroom = kMaxHeader - 4 + TextCutter::kMaxCarried;
  static_assert(kHeadroom <= io::kReadHeadroom);

  explicit FramePacker(config::Encoding encoding) : encoding_(encoding) {}

  // Returns one complete frame that holds all of `data`, which must not be empty: for binary and
  // text in place, in `data` and the headroom before it; for base64 in `scratch`, which is
  // overwritten. For text see TextCutter; empty if no character is complete. Errors: 1007 for text
  // that is not UTF-8.
  std::expected<Bytes, ProtocolError> Pack(MutableBytes data, std::string& scratch);

  // The backend has ended its stream. Error: 1007 if its text ends inside a character.
  std::expected<void, ProtocolError> Finish() const { return text_.Finish(); }

 private:
  config::Encoding encoding_;
  TextCutter text_;
};

}  // namespace upgate::ws
