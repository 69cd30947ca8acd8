#include "tests/bench/load/question.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "tests/bench/wire/die.h"
#include "tests/bench/wire/head.h"
#include "tests/bench/wire/socket.h"

namespace upgate::bench {

WebSocketQuestion::WebSocketQuestion(Loop& loop, const Target& target, std::size_t size, bool echo,
                                     std::function<void()> ready, Answered answered)
    : pattern_(size, true),
      echo_(echo),
      ready_(std::move(ready)),
      answered_(std::move(answered)),
      client_(loop, target, {}, *this) {}

void WebSocketQuestion::Ask() {
  const Bytes message = pattern_.Frames(asked_ * pattern_.frame_size(), pattern_.frame_size());
  ++asked_;
  if (client_.Send(message) != message.size()) Die("a small message did not get through");
}

void WebSocketQuestion::OnPayload(Client& /*client*/, Bytes piece) {
  if (echo_ && !pattern_.Matches(received_, piece)) Die("other bytes came back than were sent");
  received_ += piece.size();
}

void WebSocketQuestion::OnMessage(Client& /*client*/) {
  if (echo_ && received_ != asked_ * pattern_.message_size()) return;  // in several frames
  answered_(true);
}

void WebSocketQuestion::OnEnd(Client& /*client*/, bool /*orderly*/) {
  Die("the gateway closed the polite connection");
}

HttpQuestion::HttpQuestion(Loop& loop, const Target& target, bool kept_alive, Answered answered)
    : loop_(loop), target_(target), kept_alive_(kept_alive), answered_(std::move(answered)) {}

void HttpQuestion::Ask() {
  waiting_ = true;
  answer_.clear();
  if (fd_) return Send();
  connecting_ = true;
  fd_ = ConnectTo(target_.port);
  loop_.Add(fd_.get(), EPOLLOUT, *this);
}

void HttpQuestion::OnEvents(std::uint32_t /*events*/) {
  if (!std::exchange(connecting_, false)) return Read();
  if (SocketError(fd_.get()) != 0) return Finish(false);
  loop_.Modify(fd_.get(), EPOLLIN, *this);
  Send();
}

void HttpQuestion::Send() {
  const std::string request = "GET " + target_.path + " HTTP/1.1\r\nHost: localhost\r\n" +
                              (kept_alive_ ? "\r\n" : "Connection: close\r\n\r\n");
  const ssize_t size = send(fd_.get(), request.data(), request.size(), MSG_NOSIGNAL);
  if (size != static_cast<ssize_t>(request.size())) Finish(false);
}

void HttpQuestion::Read() {
  const MutableBytes buffer = loop_.buffer();
  const ssize_t size = recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (size < 0 && errno == EAGAIN) return;
  if (size <= 0) {
    fd_ = UniqueFd();
    if (waiting_) Finish(false);
    return;
  }
  Append(answer_, buffer.first(static_cast<std::size_t>(size)));
  if (complete()) Finish(answer_.starts_with("HTTP/1.1 200 "));
}

bool HttpQuestion::complete() const {
  const std::size_t end = answer_.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  const std::string_view head = std::string_view(answer_).substr(0, end + 2);
  const std::string length(HeaderField(head, "content-length"));
  if (length.empty()) Die("an answer without Content-Length");
  return answer_.size() >= end + 4 + std::strtoull(length.c_str(), nullptr, 10);
}

void HttpQuestion::Finish(bool good) {
  waiting_ = false;
  if (!kept_alive_ || !good) fd_ = UniqueFd();
  answered_(good);
}

}  // namespace upgate::bench
