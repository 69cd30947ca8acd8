#include "tests/bench/load/channel.h"

#include <sys/socket.h>

#include <cerrno>

#include <openssl/err.h>

namespace upgate::bench {
namespace {

Channel::Outcome PlainOutcome(ssize_t result) {
  if (result >= 0) return {.bytes = static_cast<std::size_t>(result)};
  return {.status = errno == EAGAIN ? Channel::Status::kBlocked : Channel::Status::kReset};
}

}  // namespace

Channel::Channel(UniqueFd fd, TlsClient* tls) : fd_(std::move(fd)) {
  if (tls != nullptr) ssl_ = tls->Connect(fd_.get());
}

Channel::Status Channel::Handshake() {
  if (ssl_ == nullptr) return Status::kOk;
  ERR_clear_error();
  return TlsStatus(SSL_do_handshake(ssl_.get()));
}

Channel::Status Channel::TlsStatus(int result) {
  if (result == 1) return Status::kOk;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return Status::kBlocked;
    case SSL_ERROR_ZERO_RETURN:
      return Status::kEnded;
    case SSL_ERROR_SYSCALL:
      return Status::kReset;
    default:
      break;
  }
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  error_ = reason != nullptr ? reason : "unknown error";
  return Status::kReset;
}

Channel::Outcome Channel::Read(MutableBytes into) {
  Outcome outcome;
  if (ssl_ == nullptr) {
    outcome = PlainOutcome(recv(fd_.get(), into.data(), into.size(), 0));
    if (outcome.status == Status::kOk && outcome.bytes == 0) outcome.status = Status::kEnded;
  } else {
    ERR_clear_error();
    outcome.status = TlsStatus(SSL_read_ex(ssl_.get(), into.data(), into.size(), &outcome.bytes));
  }
  return outcome;
}

Channel::Outcome Channel::Write(Bytes bytes) {
  if (ssl_ == nullptr)
    return PlainOutcome(send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
  Outcome outcome;
  ERR_clear_error();
  outcome.status = TlsStatus(SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &outcome.bytes));
  return outcome;
}

}  // namespace upgate::bench
