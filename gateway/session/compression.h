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

// The parameters that a route offers or accepts.
ws::DeflateParameters WantedBy(const config::Compression& settings);

// permessage-deflate (RFC 7692) for one connection: inflates incoming messages piece by piece, and
// compresses outgoing ones. Reserves memory in the pool on creation and releases it on destruction.
// On its loop's thread.
class Compression final {
 public:
  // `agreed`: the negotiated parameters. `role` is ours. `max_message`: the size limit of the
  // peer's messages, inflated, in bytes. Returns nullptr if the pool has not enough memory. The
  // pool is borrowed and outlives the object.
  static std::unique_ptr<Compression> Open(CompressionPool& pool, ws::Role role,
                                           const ws::DeflateParameters& agreed,
                                           const config::Compression& settings,
                                           std::uint64_t max_message);
  ~Compression();
  // As a client, for an object that was created with the offered parameters: sets those that the
  // server chose, which need no more memory (no larger windows, no additional context takeover).
  void SetParameters(const ws::DeflateParameters& agreed);

  Compression(const Compression&) = delete;
  Compression& operator=(const Compression&) = delete;

  // Inflates the next piece of `rest`, a part of a compressed message, into `out`, and consumes
  // `rest` from its front. To be called again until `done`; the last piece may be empty. Checks
  // that text is UTF-8. Errors: 1007 for invalid deflate data or UTF-8, 1009 as soon as a message
  // exceeds the limit.
  struct Piece {
    ws::FramePart part;
    bool done;  // `rest` is consumed
  };
  std::expected<Piece, ws::ProtocolError> Inflate(ws::FramePart& rest, MutableBytes out);

  // True if a message of this size, in bytes, is large enough to be compressed.
  bool Wants(std::size_t size) const { return size >= threshold_; }
  // Returns the frame of the compressed message, stored in `scratch`, masked if we are the client;
  // nullopt if the message is to be sent uncompressed.
  std::optional<Bytes> Deflate(ws::Opcode opcode, Bytes message, std::optional<ws::MaskKey> mask,
                               std::string& scratch);
  // The same for a message to many recipients; the result is stored in the message, for all of
  // them.
  std::optional<Bytes> DeflateShared(const plugin::Message& message);

 private:
  struct Direction {
    std::uint8_t window_bits;
    bool takeover;  // context takeover: messages may refer to earlier ones
  };

  static Direction Of(ws::Role sender, const ws::DeflateParameters& parameters);
  Compression(CompressionPool& pool, Direction in, Direction out,
              const config::Compression& settings, std::uint64_t max_message, std::size_t reserved);
  ws::ProtocolError TooBig(std::uint64_t size) const;
  const ws::ProtocolError* Check(const ws::FramePart& piece);

  CompressionPool& pool_;
  // With context takeover: since the first message; without: while a message is open.
  std::unique_ptr<ws::Inflater> inflater_;
  std::unique_ptr<ws::Deflater> deflater_;  // with context takeover only, since the first message
  const std::uint64_t max_message_;
  std::uint64_t room_ = 0;  // bytes that the open message may still have
  const std::uint64_t threshold_;
  const std::size_t reserved_;
  Direction in_;
  Direction out_;
  const int level_;
  ws::Utf8Checker utf8_;
};

}  // namespace upgate::session
