#include "gateway/net/socket_stream.h"

#include <sys/socket.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <utility>

#include "gateway/net/system_error.h"

namespace upgate::net {
namespace {

// Slices that go to the system in one call.
constexpr std::size_t kMaxSlices = 64;

// After a write has failed, what the peer sent before is still read, but not without end.
constexpr int kDrainRounds = 32;

// What the system takes of the slices: 0 when it takes nothing now.
std::expected<std::size_t, int> SendOnce(int fd, std::span<iovec> slices) {
  msghdr message{};
  message.msg_iov = slices.data();
  message.msg_iovlen = slices.size();
  constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
  for (;;) {
    const ssize_t sent = slices.size() == 1
                             ? ::send(fd, slices[0].iov_base, slices[0].iov_len, kFlags)
                             : ::sendmsg(fd, &message, kFlags);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    if (errno != EINTR) return std::unexpected(errno);
  }
}

}  // namespace

// A broken connection on its way to the handler.
class SocketStream::Failure final : public io::Later {
 public:
  Failure(SocketStream& stream, int error_number) : error(error_number), stream_(stream) {}
  int error;  // 0: ask the system
  int rounds_left = kDrainRounds;

 private:
  // The last thing in here, because it may destroy this.
  void OnLater() override { stream_.TellFailure(); }

  SocketStream& stream_;
};

// A Shutdown that is through, on its way to the handler.
class SocketStream::Flushed final : public io::Later {
 public:
  explicit Flushed(SocketStream& stream) : stream_(stream) {}

 private:
  // The last thing in here, because it destroys this.
  void OnLater() override { stream_.TellFlushed(); }

  SocketStream& stream_;
};

std::unique_ptr<SocketStream> SocketStream::Make(Loop& loop, UniqueFd fd, const RawAddress& peer) {
  auto poll = MakeHandle<uv_poll_t, int>(loop.uv(), uv_poll_init, fd.get());
  if (!poll) return nullptr;
  return std::make_unique<SocketStream>(loop, std::move(fd), std::move(poll), peer);
}

SocketStream::SocketStream(Loop& loop, UniqueFd fd, UvHandle<uv_poll_t> poll,
                           const RawAddress& peer)
    : fd_(std::move(fd)),
      quiet_events_(UV_DISCONNECT),
      is_unix_(peer.family() == AF_UNIX),
      peer_(IpPortOf(peer)),
      loop_(loop),
      poll_(std::move(poll)) {
  static_assert(sizeof(SocketStream) <= 96, "a live session should be dense");
  poll_->data = this;
  // Most owners start to read at once.
  Watch(UV_READABLE);
}

SocketStream::~SocketStream() {
  assert(!in_callback_ && "a stream dies outside of its own callbacks: see Turn::DeferDelete");
  // Before the descriptor: libuv must not watch a closed one.
  poll_.reset();
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
  } else if (failure_ != nullptr) {
    loop_.RunLater(*failure_);
  }
}

void SocketStream::SetReading(bool on) {
  if (reading_ == Reading::kEnded) return;
  reading_ = on && handler_ != nullptr ? Reading::kOn : Reading::kOff;
  if (reading_ == Reading::kOn && (watched_ & UV_READABLE) == 0) Watch(WantedEvents());
}

int SocketStream::WantedEvents() const {
  if (failure_ != nullptr) return 0;
  const int input = reading_ == Reading::kOn ? int{UV_READABLE} : quiet_events_;
  return queue_ ? input | UV_WRITABLE : input;
}

void SocketStream::Watch(int events) {
  if (events == watched_) return;
  watched_ = static_cast<std::uint8_t>(events);
  if (events == 0) {
    uv_poll_stop(poll_.get());
  } else {
    uv_poll_start(poll_.get(), events, OnPoll);
  }
}

void SocketStream::OnPoll(uv_poll_t* poll, int status, int events) {
  auto& stream = *static_cast<SocketStream*>(poll->data);
  if (status < 0) {
    // libuv has stopped watching, and keeps the reason to itself.
    stream.watched_ = 0;
    return stream.Break(0);
  }
  stream.OnEvents(events);
}

void SocketStream::OnEvents(int events) {
  if ((events & UV_READABLE) != 0) {
    if (reading_ == Reading::kOn) {
      ReadNow();
    } else {
      Watch(WantedEvents());
    }
  }
  if ((events & UV_WRITABLE) != 0 && queue_) Flush();
  if ((events & (UV_DISCONNECT | UV_PRIORITIZED)) != 0) OnQuietEvent(events);
}

// The peer's end of the connection has ended or is broken, and we are not reading.
void SocketStream::OnQuietEvent(int events) {
  if (failure_ != nullptr) return;
  if (const int error = TakeSocketError(fd_.get()); error != 0) return Break(error);
  // After the peer's end, only an error can come; libuv wants some event to report it with. An
  // urgent byte, or both ends closed, makes that one permanent too.
  quiet_events_ = (events & UV_PRIORITIZED) != 0 ? 0 : std::uint8_t{UV_PRIORITIZED};
  Watch(WantedEvents());
}

void SocketStream::ReadNow() {
  int error = 0;
  switch (ReadSome(error)) {
    case Input::kDrained:
    case Input::kMore:
    case Input::kStopped:
      return;
    case Input::kBroken:
      return Break(error);
    case Input::kEnded:
      reading_ = Reading::kEnded;
      quiet_events_ = UV_PRIORITIZED;
      Watch(WantedEvents());
      return Tell([](io::StreamHandler& handler) { handler.OnEnd(); });
  }
}

SocketStream::Input SocketStream::ReadSome(int& error) {
  const MutableBytes buffer = loop_.read_buffer();
  for (int reads = 0; reads < kReadsPerTurn; ++reads) {
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got == 0) return Input::kEnded;
    if (got < 0) {
      if (errno == EINTR) continue;
      error = errno;
      return error == EAGAIN || error == EWOULDBLOCK ? Input::kDrained : Input::kBroken;
    }
    const auto size = static_cast<std::size_t>(got);
    Tell([&](io::StreamHandler& handler) { handler.OnBytes(buffer.first(size)); });
    if (reading_ != Reading::kOn) return Input::kStopped;
    if (size < buffer.size()) return Input::kDrained;
  }
  return Input::kMore;
}

void SocketStream::Write(std::span<const Bytes> slices) {
  if (writing_ != Writing::kOpen) return;
  std::size_t sent = 0;
  if (!queue_) {
    const auto taken = SendSlices(slices);
    if (!taken) return Break(taken.error());
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

std::expected<std::size_t, int> SocketStream::SendSlices(std::span<const Bytes> slices) {
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
    const auto sent = SendOnce(fd_.get(), std::span(vectors).first(count));
    if (!sent) return sent;
    total += *sent;
    if (*sent < wanted) break;
  }
  return total;
}

void SocketStream::Enqueue(Bytes bytes) {
  if (!queue_) {
    queue_ = std::make_unique<SendQueue>();
    Watch(WantedEvents());
  }
  queue_->Append(bytes);
  if (congested()) was_congested_ = true;
}

void SocketStream::Flush() {
  std::array<iovec, kMaxSlices> vectors;
  const std::size_t count = queue_->Peek(vectors);
  const auto sent = SendOnce(fd_.get(), std::span(vectors).first(count));
  if (!sent) return Break(sent.error());
  queue_->Consume(*sent);
  if (queue_->size() == 0) {
    queue_.reset();
    if (writing_ == Writing::kFinishing) EndOutput();
    Watch(WantedEvents());
  }
  if (was_congested_ && queued() <= io::kLowMark) {
    was_congested_ = false;
    Tell([](io::StreamHandler& handler) { handler.OnDrained(); });
  }
}

void SocketStream::Shutdown() {
  if (writing_ != Writing::kOpen) return;
  if (queue_) {
    writing_ = Writing::kFinishing;
  } else {
    EndOutput();
  }
}

void SocketStream::EndOutput() {
  writing_ = Writing::kClosed;
  // Fails only on a connection that is broken already, which is told in its own way.
  ::shutdown(fd_.get(), SHUT_WR);
  flushed_ = std::make_unique<Flushed>(*this);
  loop_.RunLater(*flushed_);
}

void SocketStream::TellFlushed() {
  flushed_.reset();
  if (failure_ == nullptr) Tell([](io::StreamHandler& handler) { handler.OnFlushed(); });
}

void SocketStream::Reset() {
  const linger at_once{1, 0};
  if (!is_unix_) ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

bool SocketStream::HasUnread() const {
  if (failure_ != nullptr || reading_ == Reading::kEnded) return true;
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

void SocketStream::Break(int error) {
  if (failure_ != nullptr) return;
  failure_ = std::make_unique<Failure>(*this, error);
  writing_ = Writing::kClosed;
  queue_.reset();
  was_congested_ = false;
  Watch(0);
  loop_.RunLater(*failure_);
}

void SocketStream::TellFailure() {
  // Kept for the next handler.
  if (handler_ == nullptr) return;
  // What the peer sent before it broke the connection off, or stopped to listen, still counts. The
  // end after it does not: once its error has been read, a connection looks as if it had ended in
  // order.
  if (reading_ == Reading::kOn && failure_->rounds_left-- > 0) {
    int error = 0;
    const Input input = ReadSome(error);
    if (input == Input::kMore) return loop_.RunLater(*failure_);
    if (input == Input::kBroken && failure_->error == 0) failure_->error = error;
    if (handler_ == nullptr) return;
  }
  const auto failure = std::move(failure_);
  if (failure->error == 0) failure->error = TakeSocketError(fd_.get());
  if (failure->error == 0) failure->error = ECONNRESET;
  reading_ = Reading::kEnded;
  quiet_events_ = 0;
  Tell([&](io::StreamHandler& handler) { handler.OnError(SystemError(failure->error)); });
}

}  // namespace upgate::net
