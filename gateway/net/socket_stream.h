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

// A connected TCP or unix socket that does its own recv() and send(); the loop only watches the
// descriptor. Owns no buffer while idle.
//
// Uses edge-triggered events (Poller::kEdge): each change is reported once, so neither reading nor
// writing nor pausing either needs a call to the poller. Reported events that have not been used up
// are in `pending_`.
//
// On a readable event it reads at most kReads full buffers; the rest becomes a leftover of the
// loop's turn, so that a fast peer does not starve the others. In a crowded turn, a peer whose last
// read was large, or that has a send queue, is handled as a leftover from the start; for any other
// peer a few KiB are read first.
class SocketStream final : public io::ByteStream, private Poller::Client, private io::Later {
 public:
  static constexpr std::size_t kReads = 2;
  static constexpr std::size_t kMostRead = kReads * io::kReadBufferSize;

  // The events to watch a connecting TCP socket for; the stream keeps them.
  static constexpr std::uint32_t kEvents =
      Poller::kReadable | Poller::kWritable | Poller::kPeerEnd | Poller::kUrgent | Poller::kEdge;

  // Takes ownership of a connected, non-blocking socket; nullptr if the loop cannot watch it (out
  // of memory or watches). `peer` is the address from accept or connect; it is stored because the
  // system forgets it when the connection fails.
  static std::unique_ptr<SocketStream> Make(WatchedFd fd, const RawAddress& peer);
  // The same for one end of a socket pair.
  static std::unique_ptr<SocketStream> Adopt(Loop& loop, UniqueFd fd);
  // The same for a TCP socket that is already watched for kEvents; `events` are those reported so
  // far.
  SocketStream(WatchedFd fd, const RawAddress& peer, std::uint32_t events);
  ~SocketStream() override;

  void SetHandler(io::StreamHandler* handler) override;
  void SetReading(bool on) override;
  using ByteStream::Write;
  void Write(std::span<const Bytes> slices) override;
  void Shutdown() override;
  void WriteLast(std::span<const Bytes> slices) override;
  bool EndsOnDestruction() const override;
  void Abort() override;
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
  // kFinishing: Shutdown waits for the queue to drain. kFlushed: the FIN was sent, and the handler
  // has not been told yet.
  enum class Writing : std::uint8_t { kOpen, kFinishing, kFlushed, kClosed };
  // kBroken: the handler has not been told yet.
  enum class Health : std::uint8_t { kWhole, kBroken, kTold };
  // The result of a round of reading.
  enum class Input : std::uint8_t { kDrained, kMore, kStopped, kEnded, kBroken };

  void OnReady(std::uint32_t events) override;
  void OnLater() override;
  void SetWantsOutput(bool on);
  void RunSoon();

  void ReadNow(std::size_t most);
  // Calls recv as often as needed to read up to `most` bytes.
  Input ReadSome(std::size_t most, int& error);

  // `flags`: for the system call, in addition to the usual ones.
  void Send(std::span<const Bytes> slices, int flags);
  std::expected<std::size_t, int> SendSlices(std::span<const Bytes> slices, int flags);
  void BeginMuch();
  void NoteSent(std::size_t bytes) {
    sent_ += static_cast<std::uint32_t>(bytes);
    sent_much_ |= sent_ >= io::kDeliveryGrain;
  }
  void Enqueue(Bytes bytes);
  void Flush();
  void SendFin();

  void Fail(int error);
  void ReportFailure();
  void NoteError(int error) { error_ = static_cast<std::uint16_t>(error); }

  // Calls the handler, if there is one.
  template <class Call>
  void Tell(Call&& call);

  WatchedFd fd_;
  io::StreamHandler* handler_ = nullptr;
  std::unique_ptr<SendQueue> queue_;  // only while the system does not accept everything
  std::uint16_t pending_ = 0;         // reported input events not used up yet
  Reading reading_ = Reading::kOff;
  Writing writing_ = Writing::kOpen;
  Health health_ = Health::kWhole;
  bool was_congested_ : 1 = false;
  bool bulky_ : 1 = false;  // the last read was large
  bool flush_waits_ : 1 = false;
  bool is_unix_ : 1;
  bool in_callback_ : 1 = false;
  bool in_read_ : 1 = false;    // inside OnBytes
  bool sent_much_ : 1 = false;  // or is about to: at least io::kDeliveryGrain bytes
  std::uint16_t error_ = 0;     // an errno, once broken; 0: query the socket
  std::uint32_t sent_ = 0;      // total bytes accepted by the system; wraps around
  IpPort peer_;
  std::uint8_t drain_rounds_left_ = 0;  // once broken
};

}  // namespace upgate::net
