#pragma once

#include <memory>
#include <optional>

#include "gateway/io/later.h"
#include "gateway/io/network.h"
#include "gateway/tls/stream.h"

namespace upgate::tls {

// A client's handshake under way: owns the stream until it is over, then hands it to `handler`,
// from the loop and not from inside the stream's callback, so that the handler may destroy whatever
// it likes.
class ClientHandshake final : public io::Pending,
                              private io::StreamHandler,
                              private HandshakeObserver,
                              private io::Later {
 public:
  ClientHandshake(std::unique_ptr<Stream> stream, io::Loop loop, io::ConnectHandler& handler);
  // A handshake that cannot begin.
  ClientHandshake(Error error, io::Loop loop, io::ConnectHandler& handler);

 private:
  void OnEstablished() override { turn_.RunLater(*this); }
  void OnBytes(MutableBytes) override {}
  void OnEnd() override {}
  void OnDrained() override {}
  void OnError(const Error& error) override;
  void OnLater() override;

  io::Turn& turn_;
  io::ConnectHandler& handler_;
  std::optional<Error> error_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace upgate::tls
