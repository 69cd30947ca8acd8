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

// Most that is read of a server for nobody, once its client is gone, so that the server's end can
// be seen; then it is not read any more.
inline constexpr std::size_t kMaxDiscard = 256 * 1024;

// How long the system has to send what a lost client has sent, before the connection to a server
// that goes on sending for nobody is broken off.
inline constexpr io::Millis kSendGrace{250};

// How long a peer with which the closing handshake is complete has to end the connection.
inline constexpr io::Millis kFinPatience{1'000};

// What the sessions of one loop share. The buffers are used within one callback and are empty
// between callbacks, so that no session owns a buffer of its own.
struct Context {
  explicit Context(io::Loop io_loop) : loop(io_loop) {
    slices.reserve(kMaxSlices);
    bytes.reserve(ws::FrameUnpacker::ScratchSize(io::kReadBufferSize));
    gathered.reserve(kMostGathered);
    loop.entropy.Fill(ping_payload);
  }

  // Slices that one write to a server gathers at most.
  static constexpr std::size_t kMaxSlices = 512;

  // Small frames of one read leave together; more than this goes out at once.
  static constexpr std::size_t kMostGathered = 16 * 1024;

  // So many broken connections may have left something to use up: what else was read of them is
  // dropped.
  static constexpr std::size_t kMostFinishing = 32;

  // Where compressed payload is inflated to: as much as a read may bring, so that who takes it
  // needs no more room. Made with its first use.
  MutableBytes InflateBuffer() {
    if (!inflate_buffer)
      inflate_buffer = std::make_unique_for_overwrite<std::byte[]>(io::kReadBufferSize);
    return {inflate_buffer.get(), io::kReadBufferSize};
  }
  // After a large message its memory is not kept.
  void TrimDeflated() {
    if (deflated.capacity() > 4 * io::kReadBufferSize) std::string().swap(deflated);
  }

  io::Loop loop;
  // Of the pings that we send. Nobody can guess it, so a Pong with it answers one of them, and no
  // ping of a server.
  ws::PingPayload ping_payload;
  std::vector<Bytes> slices;  // payload of one read on its way to the server
  std::string bytes;          // payload that had to be translated
  // What the endpoint that reads sends meanwhile (answers, pongs), in order.
  std::string gathered;
  const void* reading = nullptr;  // that endpoint; nullptr between reads
  std::size_t finishing = 0;      // broken connections of which something is still used up
  std::size_t work = 0;           // what this read has cost so far; see io::Loop::share
  std::size_t inflated = 0;  // of the inflate buffer: used by payload that the owner still needs
  std::string deflated;      // a compressed frame on its way out
  std::unique_ptr<std::byte[]> inflate_buffer;
};

}  // namespace upgate::session
