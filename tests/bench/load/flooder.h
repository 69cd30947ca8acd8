#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "gateway/base/fd.h"
#include "tests/bench/load/flood_block.h"
#include "tests/bench/wire/loop.h"

namespace upgate::bench {

// The behaviour of all flooders of a run.
struct FloodRules {
  std::uint16_t port = 0;  // of the gateway, at 127.0.0.1
  std::string path = "/";
  bool reads = true;  // reads and drops responses; otherwise leaves them in the socket
  // Resets the connection after one block and connects again.
  bool resets = false;
};

// Totals over all flooders of a run.
struct FloodTotals {
  std::uint64_t sent = 0;      // bytes of blocks
  std::uint64_t received = 0;  // bytes, including response heads
  std::uint64_t reconnects = 0;
  std::uint64_t refused = 0;  // handshakes not answered with 101
  std::size_t gone = 0;       // flooders that can no longer connect
};

// A hostile connection. It sends blocks whenever its socket is writable, at most one write of a
// block per turn of the loop, and reconnects as soon as the gateway ends the connection.
class Flooder final : public Watcher {
 public:
  // All references must outlive it. `source`: the local address to use. `on_open` is called once,
  // when the connection can send for the first time.
  Flooder(Loop& loop, const FloodRules& rules, const FloodBlock& block, FloodTotals& totals,
          std::string source, std::move_only_function<void()> on_open);

  void OnEvents(std::uint32_t events) override;
  // Starts sending; until then the connection is idle.
  void Begin();

 private:
  enum class State : std::uint8_t { kConnecting, kUpgrading, kOpen, kGone };

  void Connect();
  void Reconnect();
  void Greet();
  void Read();
  void TakeAnswer(Bytes bytes);
  void Open();
  void Write();
  void Reset();
  void Watch();

  Loop& loop_;
  const FloodRules& rules_;
  const FloodBlock& block_;
  FloodTotals& totals_;
  const std::string source_;
  std::move_only_function<void()> on_open_;
  UniqueFd fd_;
  State state_ = State::kConnecting;
  bool flooding_ = false;
  bool opened_ = false;
  std::string head_;
  std::uint64_t sent_ = 0;  // bytes of blocks, on this connection
};

}  // namespace upgate::bench
