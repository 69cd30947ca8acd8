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

// What stands behind the gateway, at a port of 127.0.0.1: as cheap as a server can be, so that the
// gateway is the bottleneck.
class Server final : public Watcher {
 public:
  // `kind`:
  //   tcp-echo    sends back what it gets                ws-echo    the same with messages
  //   tcp-sink    takes payload of a Pattern, checks it  ws-sink    the same in frames
  //   tcp-source  sends payload of a Pattern, for ever   ws-source  the same in frames
  //   http        answers GET /N with N bytes
  // `message_size` is that of the Pattern. Ends the program when the port is taken.
  Server(Loop& loop, std::string_view kind, std::uint16_t port, std::size_t message_size);

  void OnEvents(std::uint32_t events) override;
  // The connection is closed; it lives until the end of the turn.
  void OnDone(Connection& connection);

  Loop& loop() { return loop_; }
  const Pattern& pattern() const { return pattern_; }
  // Bytes for answers of HTTP, as many as anybody asked for.
  std::string& body() { return body_; }
  // Where a connection may put an answer together.
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
