#pragma once

#include <cstdint>
#include <string>

#include "tests/bench/backend/connection.h"
#include "tests/bench/wire/frame_reader.h"

namespace upgate::bench {

// A WebSocket server's side of a connection (RFC 6455): the handshake, then frames. Answers Close
// with Close and closes, and Ping with Pong.
class WsConnection : public Connection {
 public:
  using Connection::Connection;

  // Of FrameReader.
  virtual void OnFrame(const FrameHeader& frame) = 0;
  virtual void OnPayload(const FrameHeader& frame, MutableBytes piece, std::uint64_t at) = 0;
  void OnFrameEnd(const FrameHeader& frame);

 protected:
  // The handshake is through.
  virtual void OnOpen() {}
  // All frames of one read have been seen.
  virtual void OnReadDone() {}
  // A piece of a control frame's payload.
  void TakeControl(const FrameHeader& frame, Bytes piece, std::uint64_t at);

 private:
  void OnBytes(MutableBytes bytes) final;
  // What follows the request's head; empty as long as it is incomplete.
  MutableBytes TakeRequest(MutableBytes bytes);

  bool open_ = false;
  std::string head_;
  std::string control_;
  FrameReader reader_;
};

// Sends every message back: payload is unmasked as it arrives, and all frames of one read leave in
// one write.
class WsEcho final : public WsConnection {
 public:
  using WsConnection::WsConnection;

 private:
  void OnFrame(const FrameHeader& frame) override;
  void OnPayload(const FrameHeader& frame, MutableBytes piece, std::uint64_t at) override;
  void OnReadDone() override;
};

class WsSink final : public WsConnection {
 public:
  using WsConnection::WsConnection;

 private:
  void OnFrame(const FrameHeader& /*frame*/) override {}
  void OnPayload(const FrameHeader& frame, MutableBytes piece, std::uint64_t at) override;

  std::uint64_t received_ = 0;
};

class WsSource final : public WsConnection {
 public:
  using WsConnection::WsConnection;

 private:
  void OnOpen() override { WantWritable(true); }
  void OnFrame(const FrameHeader& /*frame*/) override {}
  void OnPayload(const FrameHeader& frame, MutableBytes piece, std::uint64_t at) override;
  void OnWritable() override;

  std::uint64_t sent_ = 0;
};

}  // namespace upgate::bench
