#include "tests/bench/load/flooder.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "tests/bench/wire/die.h"
#include "tests/bench/wire/socket.h"

namespace upgate::bench {

Flooder::Flooder(Loop& loop, const FloodRules& rules, const FloodBlock& block, FloodTotals& totals,
                 std::string source, std::move_only_function<void()> on_open)
    : loop_(loop),
      rules_(rules),
      block_(block),
      totals_(totals),
      source_(std::move(source)),
      on_open_(std::move(on_open)) {
  Connect();
}

void Flooder::Connect() {
  state_ = State::kConnecting;
  sent_ = 0;
  head_.clear();
  fd_ = ConnectTo(rules_.port, source_);
  loop_.Add(fd_.get(), EPOLLOUT, *this);
}

void Flooder::Reconnect() {
  if (!opened_) Die("the gateway ended a connection before the flood");
  ++totals_.reconnects;
  Connect();
}

void Flooder::Begin() {
  flooding_ = true;
  Watch();
}

void Flooder::OnEvents(std::uint32_t events) {
  const int connected = fd_.get();
  if (state_ == State::kConnecting) return Greet();
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) Read();
  // After a reconnect, the events belong to the old socket.
  if (fd_.get() != connected || (events & EPOLLOUT) == 0) return;
  if (state_ == State::kOpen && flooding_) Write();
}

void Flooder::Greet() {
  if (SocketError(fd_.get()) != 0) {
    fd_ = UniqueFd();
    state_ = State::kGone;
    ++totals_.gone;
    return;
  }
  if (!block_.websocket()) return Open();
  state_ = State::kUpgrading;
  std::string request = "GET " + rules_.path +
                        " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  if (block_.compressed()) {
    request += "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
  }
  request += "\r\n";
  const ssize_t size = send(fd_.get(), request.data(), request.size(), MSG_NOSIGNAL);
  if (size != static_cast<ssize_t>(request.size())) return Reconnect();
  Watch();
}

void Flooder::Read() {
  const MutableBytes buffer = loop_.buffer();
  const ssize_t size = recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (size < 0 && errno == EAGAIN) return;
  if (size <= 0) return Reconnect();
  totals_.received += static_cast<std::uint64_t>(size);
  if (state_ == State::kUpgrading) TakeAnswer(buffer.first(static_cast<std::size_t>(size)));
}

void Flooder::TakeAnswer(Bytes bytes) {
  Append(head_, bytes);
  if (!head_.contains("\r\n\r\n")) return;
  if (head_.starts_with("HTTP/1.1 101 ")) {
    if (block_.compressed() && !head_.contains("permessage-deflate")) {
      Die("the gateway does not compress here");
    }
    return Open();
  }
  if (!opened_) Die("the gateway refused: " + head_.substr(0, head_.find("\r\n")));
  ++totals_.refused;
  Reconnect();
}

void Flooder::Open() {
  state_ = State::kOpen;
  Watch();
  if (!std::exchange(opened_, true)) on_open_();
}

void Flooder::Write() {
  const Bytes piece = block_.From(sent_);
  const ssize_t size = send(fd_.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
  if (size < 0) {
    if (errno != EAGAIN) Reconnect();
    return;
  }
  sent_ += static_cast<std::uint64_t>(size);
  totals_.sent += static_cast<std::uint64_t>(size);
  if (rules_.resets && sent_ >= block_.size()) Reset();
}

void Flooder::Reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  if (setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) != 0) {
    DieErrno("setsockopt");
  }
  Reconnect();
}

void Flooder::Watch() {
  if (state_ == State::kConnecting || state_ == State::kGone) return;
  const bool reading = state_ == State::kUpgrading || rules_.reads;
  const bool writing = state_ == State::kOpen && flooding_;
  loop_.Modify(fd_.get(), (reading ? EPOLLIN : 0U) | (writing ? EPOLLOUT : 0U), *this);
}

}  // namespace upgate::bench
