#pragma once

#include <cstddef>
#include <cstdint>

#include "gateway/base/bytes.h"
#include "gateway/base/fd.h"
#include "tests/bench/load/tls.h"

namespace upgate::bench {

// A connected socket, plain or with TLS over it. Non-blocking.
class Channel {
 public:
  enum class Status : std::uint8_t {
    kOk,
    kBlocked,  // not now
    kEnded,    // the peer has closed
    kReset,    // the connection is broken
  };
  struct Outcome {
    Status status = Status::kOk;
    std::size_t bytes = 0;
  };

  // Plain when `tls` is null; it outlives the channel.
  Channel(UniqueFd fd, TlsClient* tls);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  int fd() const { return fd_.get(); }
  // The TLS handshake's next step: kOk once it is through. Ends the program when TLS fails.
  Status Handshake();
  Outcome Read(MutableBytes into);
  Outcome Write(Bytes bytes);
  // Whether all that has arrived is read after a read that did not fill its buffer; else there may
  // be more that no event will tell of.
  bool short_read_is_last() const { return ssl_ == nullptr; }
  bool resumed() const { return ssl_ != nullptr && SSL_session_reused(ssl_.get()) == 1; }

 private:
  Status TlsStatus(int result);

  UniqueFd fd_;
  SslPtr ssl_;
};

}  // namespace upgate::bench
