#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>

#include "gateway/base/address.h"
#include "gateway/io/stream.h"
#include "gateway/net/fd.h"
#include "gateway/net/handle.h"
#include "gateway/net/loop.h"
#include "gateway/net/send_queue.h"
#include "gateway/net/socket.h"

namespace upgate::net {

// A connected TCP or unix socket: own recv() and send() on a descriptor that libuv only watches.
// Idle, it owns no buffer.
//
// One turn reads at most kReadsPerTurn full buffers, so that a fast peer does not starve the
// others. Reading that is turned off leaves the descriptor watched until bytes come in the
// meantime: a short pause costs no system call.
class SocketStream final : public io::ByteStream {
 public:
  static constexpr int kReadsPerTurn = 4;

  // Takes over a connected, non-blocking socket; nullptr when the loop cannot watch it (out of
  // memory or watches). `peer` is what accept or connect said; it is kept, because the system
  // forgets it when the connection breaks.
  static std::unique_ptr<SocketStream> Make(Loop& loop, UniqueFd fd, const RawAddress& peer);
  // The same with a handle that watches the socket already.
  SocketStream(Loop& loop, UniqueFd fd, UvHandle<uv_poll_t> poll, const RawAddress& peer);
  ~SocketStream() override;

  void SetHandler(io::StreamHandler* handler) override;
  void SetReading(bool on) override;
  using ByteStream::Write;
  void Write(std::span<const Bytes> slices) override;
  void Shutdown() override;
  void Reset() override;
  std::size_t queued() const override { return queue_ ? queue_->size() : 0; }
  bool HasUnread() const override;
  SocketAddress local_address() const override;
  SocketAddress peer_address() const override;

  // For socket options that have no method here.
  int fd() const { return fd_.get(); }

 private:
  enum class Reading : std::uint8_t { kOff, kOn, kEnded };
  // kFinishing: Shutdown waits for the queue.
  enum class Writing : std::uint8_t { kOpen, kFinishing, kClosed };
  // What is known after a round of reading.
  enum class Input : std::uint8_t { kDrained, kMore, kStopped, kEnded, kBroken };
  class Failure;
  class Flushed;

  static void OnPoll(uv_poll_t* poll, int status, int events);
  void OnEvents(int events);
  int WantedEvents() const;
  void Watch(int events);

  void ReadNow();
  Input ReadSome(int& error);
  void OnQuietEvent(int events);

  std::expected<std::size_t, int> SendSlices(std::span<const Bytes> slices);
  void Enqueue(Bytes bytes);
  void Flush();
  void EndOutput();

  void Break(int error);
  void TellFailure();
  void TellFlushed();

  // Calls the handler, if there is one.
  template <class Call>
  void Tell(Call&& call);

  UniqueFd fd_;
  std::uint8_t watched_ = 0;  // libuv's event bits
  // What to watch for while not reading, so that a broken connection is noticed. Each event is
  // dropped once it has come, because it would come again every turn.
  std::uint8_t quiet_events_;
  Reading reading_ = Reading::kOff;
  Writing writing_ = Writing::kOpen;
  bool was_congested_ = false;
  bool is_unix_;
  bool in_callback_ = false;
  IpPort peer_;
  Loop& loop_;
  UvHandle<uv_poll_t> poll_;
  io::StreamHandler* handler_ = nullptr;
  std::unique_ptr<SendQueue> queue_;  // while the system does not take everything
  std::unique_ptr<Failure> failure_;  // broken, and the handler does not know yet
  std::unique_ptr<Flushed> flushed_;  // Shutdown is through, and the handler does not know yet
};

}  // namespace upgate::net
