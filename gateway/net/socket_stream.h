#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>

#include "gateway/base/address.h"
#include "gateway/io/later.h"
#include "gateway/io/stream.h"
#include "gateway/net/fd.h"
#include "gateway/net/loop.h"
#include "gateway/net/send_queue.h"
#include "gateway/net/socket.h"
#include "gateway/net/watched_fd.h"

namespace upgate::net {

// A connected TCP or unix socket: own recv() and send() on a descriptor that the loop only watches.
// Idle, it owns no buffer.
//
// It is told of changes only (Poller::kEdge), all of them and once each, so that neither reading
// nor writing nor a pause of either costs a call to the poller. What it was told and has not used
// up is in `pending_`.
//
// When it is told of bytes it reads at most kReads full buffers; what is left is a leftover of the
// loop's turn, so that a fast peer does not starve the others. In a crowded turn a peer whose last
// read brought a lot, or for whom a queue waits, is a leftover from the beginning, and of any other
// a few KiB are read before it is one.
class SocketStream final : public io::ByteStream, private Poller::Client, private io::Later {
 public:
  static constexpr std::size_t kReads = 2;
  static constexpr std::size_t kMostRead = kReads * io::kReadBufferSize;

  // What to watch a connecting TCP socket for, and what it goes on with as a stream.
  static constexpr std::uint32_t kEvents =
      Poller::kReadable | Poller::kWritable | Poller::kPeerEnd | Poller::kUrgent | Poller::kEdge;

  // Takes over a connected, non-blocking socket; nullptr when the loop cannot watch it (out of
  // memory or watches). `peer` is what accept or connect said; it is kept, because the system
  // forgets it when the connection breaks.
  static std::unique_ptr<SocketStream> Make(WatchedFd fd, const RawAddress& peer);
  // The same with a TCP socket that is being watched for kEvents already; `events` have come.
  SocketStream(WatchedFd fd, const RawAddress& peer, std::uint32_t events);
  ~SocketStream() override;

  void SetHandler(io::StreamHandler* handler) override;
  void SetReading(bool on) override;
  using ByteStream::Write;
  void Write(std::span<const Bytes> slices) override;
  void Shutdown() override;
  void Reset() override;
  std::size_t queued() const override { return queue_ ? queue_->size() : 0; }
  io::Delivery delivery() const override;
  std::size_t held_bytes() const override { return queue_ ? queue_->held_bytes() : 0; }
  bool HasUnread() const override;
  SocketAddress local_address() const override;
  SocketAddress peer_address() const override;

  // For socket options that have no method here.
  int fd() const { return fd_.get(); }

 private:
  enum class Reading : std::uint8_t { kOff, kOn, kEnded };
  // kFinishing: Shutdown waits for the queue. kFlushed: Shutdown is through, and the handler does
  // not know yet.
  enum class Writing : std::uint8_t { kOpen, kFinishing, kFlushed, kClosed };
  // kBroken: and the handler does not know yet.
  enum class Health : std::uint8_t { kWhole, kBroken, kTold };
  // What is known after a round of reading.
  enum class Input : std::uint8_t { kDrained, kMore, kStopped, kEnded, kBroken };

  void OnReady(std::uint32_t events) override;
  void OnLater() override;
  void SetWantsOutput(bool on);
  void RunSoon();

  void ReadNow(std::size_t most);
  // In as many calls as it takes to read `most` bytes, if there are so many.
  Input ReadSome(std::size_t most, int& error);

  std::expected<std::size_t, int> SendSlices(std::span<const Bytes> slices);
  void Enqueue(Bytes bytes);
  void Flush();
  void EndOutput();

  void Break(int error);
  void TellFailure();
  void NoteError(int error) { error_ = static_cast<std::uint16_t>(error); }

  // Calls the handler, if there is one.
  template <class Call>
  void Tell(Call&& call);

  WatchedFd fd_;
  io::StreamHandler* handler_ = nullptr;
  std::unique_ptr<SendQueue> queue_;  // while the system does not take everything
  std::uint16_t pending_ = 0;         // of the poller's events those that concern reading
  Reading reading_ = Reading::kOff;
  Writing writing_ = Writing::kOpen;
  Health health_ = Health::kWhole;
  bool was_congested_ : 1 = false;
  bool bulky_ : 1 = false;  // the last read brought a lot
  bool flush_waits_ : 1 = false;
  bool is_unix_ : 1;
  bool in_callback_ : 1 = false;
  bool in_read_ : 1 = false;  // in OnBytes
  std::uint16_t error_ = 0;   // an errno, while broken; 0: ask the system
  std::uint32_t sent_ = 0;    // what the system has taken of us in all; wraps around
  IpPort peer_;
  std::uint8_t drain_rounds_left_ = 0;  // while broken
};

}  // namespace upgate::net
