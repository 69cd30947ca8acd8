#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/bytes.h"
#include "gateway/io/network.h"
#include "gateway/ws/frame_walker.h"
#include "gateway/ws/tunnel_encoding.h"

namespace upgate::session {

// How much is read and dropped from a server whose client is gone, to notice the server's end.
// Beyond that, the server is not read any more.
inline constexpr std::size_t kMaxDiscard = 256 * 1024;

// How long the kernel gets to send what a client that is gone had sent, before the connection to a
// server that keeps sending is reset.
inline constexpr io::Millis kSendGrace{250};

// How long a peer may take to end its connection after a complete closing handshake.
inline constexpr io::Millis kFinPatience{1'000};

// What the sessions of one loop share; on the loop's thread. The buffers are used within one
// callback and are empty between callbacks, so that no session owns a buffer of its own.
struct Context {
  explicit Context(io::Loop io_loop) : loop(io_loop) {
    slices.reserve(kMaxSlices);
    bytes.reserve(ws::FrameUnpacker::ScratchSize(io::kReadBufferSize));
    gathered.reserve(kMostGathered);
    loop.entropy.Fill(ping_payload);
  }

  // The most slices in one gathered write to a server.
  static constexpr std::size_t kMaxSlices = 512;

  // Small frames that are sent during one read are written together, up to this many bytes.
  static constexpr std::size_t kMostGathered = 16 * 1024;

  // How many broken connections may have input left to process at a time. For connections beyond
  // that, the rest of the input is dropped.
  static constexpr std::size_t kMostFinishing = 32;

  // The buffer for inflated payload. As large as one read, so that consumers need no more room than
  // for uncompressed payload. Allocated on first use.
  MutableBytes InflateBuffer() {
    if (!inflate_buffer)
      inflate_buffer = std::make_unique_for_overwrite<std::byte[]>(io::kReadBufferSize);
    return {inflate_buffer.get(), io::kReadBufferSize};
  }
  // Frees the buffer after a large message.
  void TrimDeflated() {
    if (deflated.capacity() > 4 * io::kReadBufferSize) std::string().swap(deflated);
  }

  io::Loop loop;
  // The payload of the gateway's own pings. Random, so that a Pong with it must be the answer to
  // one of them, and not to a ping of a server.
  ws::PingPayload ping_payload;
  std::vector<Bytes> slices;  // payload of one read, to be written to the server
  std::string bytes;          // payload translated by the encoding
  // What the endpoint that is reading sends during the read (responses, pongs), in order.
  std::string gathered;
  const void* reading = nullptr;  // that endpoint; nullptr between reads
  std::size_t finishing = 0;      // broken connections whose input is still being processed
  std::size_t work = 0;           // the cost of this read so far; see io::Loop::share
  std::size_t share = 0;          // and what it may be
  std::size_t inflated = 0;       // bytes of the inflate buffer that the owner still uses
  std::string deflated;           // a compressed frame, to be written
  std::unique_ptr<std::byte[]> inflate_buffer;
};

}  // namespace upgate::session
