#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/bench/backend/connection.h"

namespace upgate::bench {

// Maximum size of a source's write, so that no connection starves the others.
inline constexpr std::size_t kPiece = 128 * 1024;

class TcpEcho final : public Connection {
 public:
  using Connection::Connection;

 private:
  void OnBytes(MutableBytes bytes) override { Send(bytes); }
};

class TcpSink final : public Connection {
 public:
  using Connection::Connection;

 private:
  void OnBytes(MutableBytes bytes) override;

  std::uint64_t received_ = 0;
};

class TcpSource final : public Connection {
 public:
  TcpSource(Server& server, UniqueFd fd);

 private:
  void OnBytes(MutableBytes /*bytes*/) override {}
  void OnWritable() override;

  std::uint64_t sent_ = 0;
};

}  // namespace upgate::bench
