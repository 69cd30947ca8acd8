#include "tests/bench/backend/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "tests/bench/backend/server.h"
#include "tests/bench/wire/die.h"

namespace upgate::bench {

Connection::Connection(Server& server, UniqueFd fd)
    : server_(server), fd_(std::move(fd)), events_(EPOLLIN) {
  server_.loop().Add(fd_.get(), events_, *this);
}

void Connection::OnEvents(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) {
    Flush();
    if (!closed_ && queue_.empty() && want_writable_) OnWritable();
  }
  if (!closed_ && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) Read();
  if (!closed_) SetEvents();
}

void Connection::Read() {
  const MutableBytes buffer = server_.loop().buffer();
  const ssize_t size = recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (size > 0) {
    if (!closing_) OnBytes(buffer.first(static_cast<std::size_t>(size)));
  } else if (size == 0 || errno != EAGAIN) {
    // A stopped proxy resets its connections; that is not an error of this server.
    Close();
  }
}

std::size_t Connection::SendSome(Bytes bytes) {
  const ssize_t size = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (size >= 0) return static_cast<std::size_t>(size);
  if (errno != EAGAIN) Close();
  return 0;
}

void Connection::Send(Bytes bytes) {
  if (closed_) return;
  if (queue_.empty()) bytes = bytes.subspan(SendSome(bytes));
  if (!bytes.empty()) Append(queue_, bytes);
}

void Connection::Flush() {
  if (!queue_.empty()) queue_.erase(0, SendSome(AsBytes(queue_)));
  if (queue_.empty() && closing_) Close();
}

void Connection::WantWritable(bool wanted) {
  want_writable_ = wanted;
  if (!closed_) SetEvents();
}

void Connection::CloseWhenSent() {
  closing_ = true;
  if (queue_.empty()) Close();
}

void Connection::Close() {
  if (closed_) return;
  closed_ = true;
  fd_ = UniqueFd();
  server_.OnDone(*this);
}

void Connection::SetEvents() {
  const bool writing = want_writable_ || !queue_.empty();
  const bool reading = queue_.empty();
  const std::uint32_t events = (reading ? EPOLLIN : 0U) | (writing ? EPOLLOUT : 0U);
  if (events == events_) return;
  events_ = events;
  server_.loop().Modify(fd_.get(), events_, *this);
}

}  // namespace upgate::bench
