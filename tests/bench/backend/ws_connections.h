#pragma once

#include <cstdint>
#include <string>

#include "tests/bench/backend/connection.h"
#include "tests/bench/wire/frame_reader.h"

namespace upgate::bench {

// The server side of a WebSocket connection (RFC 6455): the handshake, then frames. Answers a Close
// with a Close and ends the connection; answers Pings with Pongs.
class WsConnection : public Connection {
 public:
  using Connection::Connection;

  // FrameReader visitor.
  virtual void OnFrame(const FrameHeader& frame) = 0;
  virtual void OnPayload(const FrameHeader& frame, MutableBytes piece, std::uint64_t at) = 0;
  void OnFrameEnd(const FrameHeader& frame);

 protected:
  // The handshake is complete.
  virtual void OnOpen() {}
  // All frames of one read have been delivered.
  virtual void OnReadDone() {}
  // Receives a piece of a control frame's payload.
  void TakeControl(const FrameHeader& frame, Bytes piece, std::uint64_t at);

 private:
  void OnBytes(MutableBytes bytes) final;
  // Returns the bytes after the request head; empty while the head is incomplete.
  MutableBytes TakeRequest(MutableBytes bytes);

  bool open_ = false;
  std::string head_;
  std::string control_;
  FrameReader reader_;
};

// Sends every message back. Payload is unmasked as it arrives; all frames of one read are sent with
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
