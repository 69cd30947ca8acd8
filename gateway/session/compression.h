#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "gateway/base/bytes.h"
#include "gateway/config/config.h"
#include "gateway/plugin/message.h"
#include "gateway/session/compression_pool.h"
#include "gateway/ws/deflate.h"
#include "gateway/ws/deflate_parameters.h"
#include "gateway/ws/frame.h"
#include "gateway/ws/utf8.h"

namespace upgate::session {

// What a route asks for.
ws::DeflateParameters WantedBy(const config::Compression& settings);

// permessage-deflate (RFC 7692) at one end of one connection: takes the messages that come apart,
// piece by piece, and compresses those that go. Sets its memory aside when it is made, and gives
// all back when it is destroyed. On its loop's thread.
class Compression final {
 public:
  // `agreed` with the peer, whose messages have at most `max_message` bytes, inflated. We are what
  // `role` says. nullptr: the pool has not got the memory. The pool outlives it.
  static std::unique_ptr<Compression> Open(CompressionPool& pool, ws::Role role,
                                           const ws::DeflateParameters& agreed,
                                           const config::Compression& settings,
                                           std::uint64_t max_message);
  ~Compression();
  // As a client, for one that was made before the server had a say: what came out of it. Windows
  // are no larger, and takeover is no more, than was asked for.
  void Settle(const ws::DeflateParameters& agreed);

  Compression(const Compression&) = delete;
  Compression& operator=(const Compression&) = delete;

  // The next piece of what `rest` stands for, in `out`; `rest` is a part of a compressed message
  // and is used up from its front. To be called again with what is left until done; the last piece
  // may be empty. Text is checked for UTF-8. Errors: 1007 for what is no deflate data or no UTF-8,
  // 1009 for a message that is too big, at the moment that it is.
  struct Piece {
    ws::FramePart part;
    bool done;  // nothing is left of `rest`
  };
  std::expected<Piece, ws::ProtocolError> Inflate(ws::FramePart& rest, MutableBytes out);

  // Whether a message of this size is worth it.
  bool Wants(std::size_t size) const { return size >= threshold_; }
  // The frame of a message, compressed, in `scratch`; masked where we are the client. Nothing where
  // it is to go as it is.
  std::optional<Bytes> Deflate(ws::Opcode opcode, Bytes message, std::optional<ws::MaskKey> mask,
                               std::string& scratch);
  // The same for one that goes to many; stands in the message.
  std::optional<Bytes> DeflateShared(const plugin::Message& message);

 private:
  struct Direction {
    std::uint8_t window_bits;
    bool takeover;  // messages may refer to those before them
  };

  static Direction Of(ws::Role sender, const ws::DeflateParameters& parameters);
  Compression(CompressionPool& pool, Direction in, Direction out,
              const config::Compression& settings, std::uint64_t max_message, std::size_t reserved);
  ws::ProtocolError TooBig(std::uint64_t size) const;
  const ws::ProtocolError* Check(const ws::FramePart& piece);

  CompressionPool& pool_;
  std::unique_ptr<ws::Inflater>
      inflater_;  // with takeover: since the first message; else: while a message is open
  std::unique_ptr<ws::Deflater> deflater_;  // with takeover only, since the first message
  const std::uint64_t max_message_;
  std::uint64_t room_ = 0;  // of the open message
  const std::uint64_t threshold_;
  const std::size_t reserved_;
  Direction in_;
  Direction out_;
  const int level_;
  ws::Utf8Checker utf8_;
};

}  // namespace upgate::session
