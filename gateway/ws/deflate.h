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

// Takes the payload of compressed messages apart, piece by piece (RFC 7692, section 7.2.2). No I/O;
// about 7 KiB and the window, which is made with the first piece. Not thread-safe. After an error
// it is dead. What refers back further than the window, which its sender must not (section 7.1.2),
// is 1007 as soon as it is not at hand any more; until then it is read as it was meant.
class Inflater {
 public:
  // `window_bits`: 8 to 15, as agreed for the end that compresses. Throws std::bad_alloc as `new`
  // does.
  explicit Inflater(std::uint8_t window_bits);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  struct Output {
    std::size_t size;  // bytes written to `out`
    bool done;         // `input` is used up and all that it stands for has come out
  };
  // Consumes from the front of `input` and fills `out` from its beginning; call it again with the
  // rest until done. `out` has at least one byte. `last`: the message ends with this input. 1007
  // for what is no deflate data, or breaks off.
  std::expected<Output, ProtocolError> Inflate(Bytes& input, bool last, MutableBytes out);

  // Forgets all earlier messages: for the other end's "no context takeover".
  void Reset();

  std::uint8_t window_bits() const { return window_bits_; }
  // What it holds at the most, in bytes.
  static std::size_t Memory(std::uint8_t window_bits);

 private:
  bool RestartKeepingWindow();

  std::unique_ptr<z_stream_s> stream_;
  std::uint8_t window_bits_;
  std::uint8_t tail_given_ = 0;  // of the four bytes that end every message and are not sent
  bool held_back_ = false;       // zlib may have more for a message than there was room for
};

// Compresses whole messages (RFC 7692, section 7.2.1). No I/O. Its memory is mapped from the
// system, which has it again at the end. Not thread-safe. The time for a message is bounded: the
// level holds for its first 64 KiB; up to 4 MiB the rest is compressed at level 1 where that pays,
// and what is left is stored.
class Deflater {
 public:
  // `window_bits`: 8 to 15, as agreed; `level`: 1 (fast) to 9 (small). Throws std::bad_alloc as
  // `new` does.
  Deflater(std::uint8_t window_bits, int level);
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  // Appends the compressed payload of one message to `out`.
  void Deflate(Bytes message, std::string& out);

  // The next message refers to none before it.
  void Reset();

  std::uint8_t window_bits() const { return window_bits_; }
  int level() const { return level_; }
  // What it holds at the most, in bytes.
  static std::size_t Memory(std::uint8_t window_bits);

 private:
  struct State;

  void SetLevel(int level, std::string& out);
  void Tune();
  // Appends what comes of `bytes`, with a flush of zlib's.
  void Feed(Bytes bytes, int flush, std::string& out);
  // What is not searched for matches is stored.
  void FeedQuickly(Bytes piece, bool search, std::string& out);

  std::unique_ptr<State> state_;
  std::uint8_t window_bits_;
  int level_;
  int current_level_;  // of the stream
};

// A frame that holds the whole message compressed, header (RSV1 set) and all; with a mask as a
// client sends it. It stands in `scratch`, whose old content is lost.
Bytes CompressedFrame(Deflater& deflater, Opcode opcode, Bytes message, std::string& scratch,
                      std::optional<MaskKey> mask = {});

}  // namespace upgate::ws
