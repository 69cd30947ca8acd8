#include "gateway/net/socket_stream.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <utility>

#include "gateway/net/system_error.h"

namespace upgate::net {
namespace {

// Size of a large read, in bytes: it may contain thousands of messages.
constexpr std::size_t kBulk = 16 * 1024;

// Limit for a read in a crowded turn from a peer that has not sent large amounts so far, so that
// many peers that start to flood at the same time do not hold up the turn.
constexpr std::size_t kFirstRead = 4 * 1024;

// Number of slices per system call.
constexpr std::size_t kMaxSlices = 64;

// After a failed write, input that the peer sent before is still read, but with a limit.
constexpr std::uint8_t kDrainRounds = 32;

// The events that trigger a read. They fit into 16 bits.
constexpr std::uint32_t kInputEvents =
    Poller::kReadable | Poller::kUrgent | Poller::kError | Poller::kHangUp | Poller::kPeerEnd;

// The peer's last bytes and its FIN, and nothing else.
constexpr std::uint32_t kLastInput = Poller::kReadable | Poller::kPeerEnd;

// Returns the number of bytes accepted by the system: 0 if it accepts none now.
std::expected<std::size_t, int> SendOnce(int fd, std::span<iovec> slices, int flags = 0) {
  msghdr message{};
  message.msg_iov = slices.data();
  message.msg_iovlen = slices.size();
  flags |= MSG_NOSIGNAL | MSG_DONTWAIT;
  for (;;) {
    const ssize_t sent = slices.size() == 1
                             ? ::send(fd, slices[0].iov_base, slices[0].iov_len, flags)
                             : ::sendmsg(fd, &message, flags);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    if (errno != EINTR) return std::unexpected(errno);
  }
}

}  // namespace

std::unique_ptr<SocketStream> SocketStream::Make(WatchedFd fd, const RawAddress& peer) {
  auto stream = std::make_unique<SocketStream>(std::move(fd), peer, 0);
  // A unix socket would report writability whenever the peer has read something.
  const std::uint32_t events = stream->is_unix_ ? kEvents & ~Poller::kWritable : kEvents;
  return stream->fd_.Watch(events, *stream) ? std::move(stream) : nullptr;
}

std::unique_ptr<SocketStream> SocketStream::Adopt(Loop& loop, UniqueFd fd) {
  const RawAddress peer = PeerAddress(fd.get());
  return Make(WatchedFd(loop, std::move(fd)), peer);
}

SocketStream::SocketStream(WatchedFd fd, const RawAddress& peer, std::uint32_t events)
    : fd_(std::move(fd)), is_unix_(peer.family() == AF_UNIX), peer_(IpPortOf(peer)) {
  static_assert(sizeof(SocketStream) <= 104, "a live session should be dense");
  if (events == 0) return;
  fd_.HandOver(*this);
  OnReady(events);
}

SocketStream::~SocketStream() {
  assert(!in_callback_ && "a stream dies outside of its own callbacks: see Turn::DeferDelete");
}

template <class Call>
void SocketStream::Tell(Call&& call) {
  if (handler_ == nullptr) return;
  in_callback_ = true;
  call(*handler_);
  in_callback_ = false;
}

void SocketStream::SetHandler(io::StreamHandler* handler) {
  handler_ = handler;
  if (handler == nullptr) {
    SetReading(false);
  } else if (health_ == Health::kBroken) {
    RunSoon();
  }
}

void SocketStream::SetReading(bool on) {
  if (reading_ == Reading::kEnded) return;
  const Reading before =
      std::exchange(reading_, on && handler_ != nullptr ? Reading::kOn : Reading::kOff);
  // A stream that waits in the list of leftovers is not read before its turn; only a resumed one
  // must be added. A read in progress checks by itself whether to continue.
  const bool resumed = reading_ == Reading::kOn && before != Reading::kOn;
  if (resumed && pending_ != 0 && !in_read_) fd_.loop().Continue(*this);
}

// For TCP it is always watched: edge-triggered, it is reported only after a partial write.
void SocketStream::SetWantsOutput(bool on) {
  if (is_unix_) {
    fd_.Watch(on ? kEvents : kEvents & ~Poller::kWritable, *this);
  } else if (on) {
    fd_.Rearm(Poller::kWritable);
  }
}

void SocketStream::OnReady(std::uint32_t events) {
  if (health_ != Health::kWhole) return;
  pending_ |= static_cast<std::uint16_t>(events & kInputEvents);
  if (reading_ == Reading::kOn && pending_ != 0) {
    const bool crowded = fd_.loop().crowded();
    if (bulky_ && crowded) {
      fd_.loop().Continue(*this);
    } else if (!waiting()) {  // or later, if it has had its share of this turn
      ReadNow(crowded ? kFirstRead : kMostRead);
    }
  } else if ((events & Poller::kError) != 0) {
    return Fail(0);
  }
  if ((events & Poller::kWritable) == 0 || !queue_) return;
  if (fd_.loop().crowded()) {
    flush_waits_ = true;
    fd_.loop().Continue(*this);
  } else {
    Flush();
  }
}

// Runs deferred work. The handler must not destroy the stream from inside, but may do anything
// else.
void SocketStream::OnLater() {
  if (health_ == Health::kBroken) return ReportFailure();
  if (flush_waits_) {
    flush_waits_ = false;
    if (queue_) Flush();
    if (health_ == Health::kBroken) return ReportFailure();
  }
  if (writing_ == Writing::kFlushed) {
    writing_ = Writing::kClosed;
    Tell([](io::StreamHandler& handler) { handler.OnFlushed(); });
  }
  if (reading_ == Reading::kOn && pending_ != 0) ReadNow(kMostRead);
}

void SocketStream::ReadNow(std::size_t most) {
  int error = 0;
  switch (ReadSome(most, error)) {
    case Input::kDrained:
      pending_ = 0;
      fd_.Rearm(kInputEvents);
      return;
    case Input::kMore:
      return fd_.loop().Continue(*this);
    case Input::kStopped:
      return;
    case Input::kBroken:
      return Fail(error);
    case Input::kEnded: {
      const bool broken = (pending_ & Poller::kError) != 0;
      reading_ = Reading::kEnded;
      Tell([](io::StreamHandler& handler) { handler.OnEnd(); });
      if (broken) Fail(0);
      return;
    }
  }
}

SocketStream::Input SocketStream::ReadSome(std::size_t most, int& error) {
  const Health health = health_;
  for (std::size_t left = most; left > 0;) {
    const MutableBytes buffer = fd_.loop().read_buffer().first(std::min(left, io::kReadBufferSize));
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got == 0) return Input::kEnded;
    if (got < 0) {
      if (errno == EINTR) continue;
      error = errno;
      return error == EAGAIN || error == EWOULDBLOCK ? Input::kDrained : Input::kBroken;
    }
    const auto size = static_cast<std::size_t>(got);
    bulky_ = size >= kBulk;
    in_read_ = true;
    Tell([&](io::StreamHandler& handler) { handler.OnBytes(buffer.first(size)); });
    in_read_ = false;
    // A write inside the handler may have failed: then the rest is read by ReportFailure.
    if (reading_ != Reading::kOn || health_ != health) return Input::kStopped;
    // A short read means that nothing is left, unless it is followed by something that no further
    // event will report: the end of the stream, an error, or the bytes behind an urgent byte, at
    // which a read stops.
    if (size < buffer.size() && pending_ == Poller::kReadable) return Input::kDrained;
    // TCP has received everything before a FIN that it reports.
    if (size < buffer.size() && pending_ == kLastInput && !is_unix_) return Input::kEnded;
    left -= buffer.size();
  }
  return Input::kMore;
}

void SocketStream::Write(std::span<const Bytes> slices) {
  Send(slices, 0);
}

// The FIN sends what MSG_MORE holds back.
void SocketStream::WriteLast(std::span<const Bytes> slices) {
  Send(slices, MSG_MORE);
  Shutdown();
}

bool SocketStream::EndsOnDestruction() const {
  return writing_ == Writing::kOpen && delivery().waiting < io::kDeliveryGrain;
}

void SocketStream::Send(std::span<const Bytes> slices, int flags) {
  if (writing_ != Writing::kOpen) return;
  std::size_t sent = 0;
  if (!queue_) {
    const auto taken = SendSlices(slices, flags);
    if (!taken) return Fail(taken.error());
    sent = *taken;
  }
  for (const Bytes slice : slices) {
    if (sent >= slice.size()) {
      sent -= slice.size();
    } else {
      Enqueue(slice.subspan(std::exchange(sent, 0)));
    }
  }
}

std::expected<std::size_t, int> SocketStream::SendSlices(std::span<const Bytes> slices, int flags) {
  std::size_t total = 0;
  while (!slices.empty()) {
    std::array<iovec, kMaxSlices> vectors;
    std::size_t count = 0;
    std::size_t wanted = 0;
    for (; !slices.empty() && count < kMaxSlices; slices = slices.subspan(1)) {
      const Bytes slice = slices.front();
      if (slice.empty()) continue;
      vectors[count++] = {const_cast<std::byte*>(slice.data()), slice.size()};
      wanted += slice.size();
    }
    if (count == 0) break;
    if (!sent_much_ && sent_ + wanted >= io::kDeliveryGrain) BeginMuch();
    const auto sent = SendOnce(fd_.get(), std::span(vectors).first(count), flags);
    if (!sent) return sent;
    NoteSent(*sent);
    total += *sent;
    if (*sent < wanted) break;
  }
  return total;
}

// Short sessions are spared the call.
void SocketStream::BeginMuch() {
  sent_much_ = true;
  if (!is_unix_) BoundUnsent(fd_.get());
}

void SocketStream::Enqueue(Bytes bytes) {
  if (!queue_) {
    queue_ = std::make_unique<SendQueue>(fd_.loop().memory());
    SetWantsOutput(true);
  }
  queue_->Append(bytes);
  if (congested()) was_congested_ = true;
}

void SocketStream::Flush() {
  std::array<iovec, kMaxSlices> vectors;
  const std::size_t count = queue_->Peek(vectors);
  const auto sent = SendOnce(fd_.get(), std::span(vectors).first(count));
  if (!sent) return Fail(sent.error());
  NoteSent(*sent);
  queue_->Consume(*sent);
  if (queue_->size() > 0) {
    fd_.Rearm(Poller::kWritable);
  } else {
    queue_.reset();
    SetWantsOutput(false);
    if (writing_ == Writing::kFinishing) SendFin();
  }
  if (was_congested_ && queued() <= io::kLowMark) {
    was_congested_ = false;
    Tell([](io::StreamHandler& handler) { handler.OnWritable(); });
  }
}

void SocketStream::Shutdown() {
  if (writing_ != Writing::kOpen) return;
  if (queue_) {
    writing_ = Writing::kFinishing;
  } else {
    SendFin();
  }
}

void SocketStream::SendFin() {
  writing_ = Writing::kFlushed;
  // Fails only on a broken connection, which is reported separately.
  ::shutdown(fd_.get(), SHUT_WR);
  RunSoon();
}

void SocketStream::Abort() {
  const linger at_once{1, 0};
  if (!is_unix_) ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

// For a unix socket the system counts buffer space, which exceeds the number of bytes, but it still
// shows progress by the peer.
io::Delivery SocketStream::delivery() const {
  if (!sent_much_) return {.taken = 0, .waiting = queued() + sent_};
  int held = 0;
  if (::ioctl(fd_.get(), SIOCOUTQ, &held) != 0) held = 0;
  return {.taken = sent_ - static_cast<std::uint32_t>(held),
          .waiting = queued() + static_cast<std::size_t>(held)};
}

bool SocketStream::HasUnread() const {
  if (health_ != Health::kWhole || reading_ == Reading::kEnded) return true;
  char byte = 0;
  const ssize_t got = ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

SocketAddress SocketStream::local_address() const {
  return FromRaw(LocalAddress(fd()));
}

SocketAddress SocketStream::peer_address() const {
  if (!is_unix_) return peer_;
  const RawAddress raw = PeerAddress(fd());
  return raw.family() == AF_UNIX ? FromRaw(raw) : UnixPath{};
}

// New events do not queue behind leftovers.
void SocketStream::RunSoon() {
  Cancel();
  fd_.loop().RunLater(*this);
}

void SocketStream::Fail(int error) {
  if (health_ != Health::kWhole) return;
  health_ = Health::kBroken;
  NoteError(error);
  drain_rounds_left_ = kDrainRounds;
  writing_ = Writing::kClosed;
  queue_.reset();
  was_congested_ = false;
  RunSoon();
}

void SocketStream::ReportFailure() {
  // Kept for the next handler.
  if (handler_ == nullptr) return;
  // Input that the peer sent before it reset the connection or stopped reading is still delivered.
  // The end of stream after it is not: once the error has been read from the socket, it looks like
  // an orderly end.
  if (reading_ == Reading::kOn && drain_rounds_left_ > 0) {
    --drain_rounds_left_;
    int error = 0;
    const Input input = ReadSome(kMostRead, error);
    if (input == Input::kMore) return fd_.loop().Continue(*this);
    if (input == Input::kBroken && error_ == 0) NoteError(error);
    if (handler_ == nullptr) return;
  }
  health_ = Health::kTold;
  if (error_ == 0) NoteError(TakeSocketError(fd_.get()));
  if (error_ == 0) NoteError(ECONNRESET);
  reading_ = Reading::kEnded;
  Tell([&](io::StreamHandler& handler) { handler.OnError(SystemError(error_)); });
}

}  // namespace upgate::net
