#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gateway/base/bytes.h"
#include "gateway/base/fd.h"
#include "tests/bench/load/tls.h"

namespace upgate::bench {

// A connected non-blocking socket, with or without TLS.
class Channel {
 public:
  enum class Status : std::uint8_t {
    kOk,
    kBlocked,  // would block
    kEnded,    // the peer has closed
    kReset,    // the connection is broken; error() may say why
  };
  struct Outcome {
    Status status = Status::kOk;
    std::size_t bytes = 0;
  };

  // Without TLS if `tls` is null; otherwise it must outlive the channel.
  Channel(UniqueFd fd, TlsClient* tls);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  int fd() const { return fd_.get(); }
  // Continues the TLS handshake; returns kOk when it is complete.
  Status Handshake();
  Outcome Read(MutableBytes into);
  Outcome Write(Bytes bytes);
  // Whether a read that did not fill its buffer has read everything. Otherwise there may be more
  // data that no event will announce.
  bool short_read_is_last() const { return ssl_ == nullptr; }
  // Why TLS failed; empty if it did not. A static string.
  std::string_view error() const { return error_; }
  bool resumed() const { return ssl_ != nullptr && SSL_session_reused(ssl_.get()) == 1; }

 private:
  Status TlsStatus(int result);

  UniqueFd fd_;
  SslPtr ssl_;
  std::string_view error_;
};

}  // namespace upgate::bench
