#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/base/fd.h"
#include "tests/bench/backend/connection.h"
#include "tests/bench/wire/loop.h"
#include "tests/bench/wire/pattern.h"

namespace upgate::bench {

// A server behind the gateway, at a port of 127.0.0.1. As cheap as possible, so that the gateway is
// the bottleneck.
class Server final : public Watcher {
 public:
  // `kind`:
  //   tcp-echo    echoes bytes                                ws-echo    echoes messages
  //   tcp-sink    receives payload of a Pattern, checks it    ws-sink    the same in frames
  //   tcp-source  sends payload of a Pattern endlessly        ws-source  the same in frames
  //   http        answers GET /N with N bytes
  // `message_size` is that of the Pattern. Ends the program if the port is taken.
  Server(Loop& loop, std::string_view kind, std::uint16_t port, std::size_t message_size);

  void OnEvents(std::uint32_t events) override;
  // The connection is closed; it is deleted at the end of the turn.
  void OnDone(Connection& connection);

  Loop& loop() { return loop_; }
  const Pattern& pattern() const { return pattern_; }
  // Bytes for HTTP response bodies, as many as any request has asked for.
  std::string& body() { return body_; }
  // A buffer in which connections may build their answers.
  std::string& scratch() { return scratch_; }

 private:
  using Factory = std::unique_ptr<Connection> (*)(Server&, UniqueFd);
  static Factory FactoryOf(std::string_view kind);

  Loop& loop_;
  Pattern pattern_;
  Factory factory_;
  UniqueFd listener_;
  std::string body_;
  std::string scratch_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
};

}  // namespace upgate::bench
