#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "gateway/base/bytes.h"
#include "gateway/ws/frame.h"

struct z_stream_s;

namespace upgate::ws {

// Inflates incoming messages piece by piece (RFC 7692, section 7.2.2). No I/O; uses about 7 KiB and
// the window, which is allocated with the first piece. Not thread-safe. Must not be used after an
// error. A reference beyond the agreed window, which the sender must not make (section 7.1.2),
// fails with 1007 as soon as the referenced bytes are no longer available; until then it is
// resolved.
class Inflater {
 public:
  // `window_bits`: 8 to 15, as negotiated for the compressing end. Throws std::bad_alloc.
  explicit Inflater(std::uint8_t window_bits);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  struct Output {
    std::size_t size;  // bytes written to `out`
    bool done;         // `input` is used up and all its output has been written
  };
  // Consumes from the front of `input` and writes to the beginning of `out`; call it with the rest
  // until done. `out` must not be empty. `last`: the message ends with this input. Error 1007 if
  // the data is not valid deflate data or is truncated.
  std::expected<Output, ProtocolError> Inflate(Bytes& input, bool last, MutableBytes out);

  // Discards the context of earlier messages, for a peer with "no context takeover".
  void Reset();

  std::uint8_t window_bits() const { return window_bits_; }
  // Upper bound of its memory, in bytes.
  static std::size_t Memory(std::uint8_t window_bits);

 private:
  bool RestartKeepingWindow();

  std::unique_ptr<z_stream_s> stream_;
  std::uint8_t window_bits_;
  std::uint8_t tail_given_ = 0;  // bytes consumed of the four that end a message and are not sent
  bool held_back_ = false;       // zlib may have more output than fitted into `out`
};

// Compresses whole messages (RFC 7692, section 7.2.1). No I/O. Its memory is mapped with mmap and
// returned to the system on destruction. Not thread-safe. The time for a message is bounded: the
// configured level applies to its first 64 KiB; up to 4 MiB the rest is compressed at level 1 where
// that is worthwhile, and everything else is stored.
class Deflater {
 public:
  // `window_bits`: 8 to 15, as negotiated; `level`: 1 (fast) to 9 (small). Throws std::bad_alloc.
  Deflater(std::uint8_t window_bits, int level);
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  // Appends the compressed payload of one message to `out`.
  void Deflate(Bytes message, std::string& out);

  // Discards the context: the next message does not refer to earlier ones.
  void Reset();

  std::uint8_t window_bits() const { return window_bits_; }
  int level() const { return level_; }
  // Upper bound of its memory, in bytes.
  static std::size_t Memory(std::uint8_t window_bits);

 private:
  struct State;

  void SetLevel(int level, std::string& out);
  void Tune();
  // Compresses `bytes` with this zlib flush mode and appends the output.
  void Feed(Bytes bytes, int flush, std::string& out);
  // Compresses at level 1 if `search` is set and a sample shows that it is worthwhile; else stores.
  void FeedQuickly(Bytes piece, bool search, std::string& out);

  std::unique_ptr<State> state_;
  std::uint8_t window_bits_;
  int level_;
  int current_level_;  // of the zlib stream
};

// Returns a complete frame with the compressed message and RSV1 set; masked if there is a `mask`,
// as a client must send it. The result is a view of `scratch`, which is overwritten.
Bytes CompressedFrame(Deflater& deflater, Opcode opcode, Bytes message, std::string& scratch,
                      std::optional<MaskKey> mask = {});

}  // namespace upgate::ws
