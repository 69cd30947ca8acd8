#pragma once

#include <memory>
#include <optional>

#include "gateway/io/later.h"
#include "gateway/io/network.h"
#include "gateway/tls/stream.h"

namespace upgate::tls {

// A client handshake in progress: owns the stream until it is complete, then passes it to
// `handler`, from the loop and not from inside the stream's callback, so that the handler may
// destroy anything.
class ClientHandshake final : public io::Pending,
                              private io::StreamHandler,
                              private HandshakeObserver,
                              private io::Later {
 public:
  ClientHandshake(std::unique_ptr<Stream> stream, io::Loop loop, io::ConnectHandler& handler);
  // A handshake that fails before it starts.
  ClientHandshake(Error error, io::Loop loop, io::ConnectHandler& handler);

 private:
  void OnEstablished() override { turn_.RunLater(*this); }
  void OnBytes(MutableBytes) override {}
  void OnEnd() override {}
  void OnWritable() override {}
  void OnError(const Error& error) override;
  void OnLater() override;

  io::Turn& turn_;
  io::ConnectHandler& handler_;
  std::optional<Error> error_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace upgate::tls
