#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "gateway/base/fd.h"
#include "tests/bench/load/flood_block.h"
#include "tests/bench/wire/loop.h"

namespace upgate::bench {

// How flooders behave; the same for all of a run.
struct FloodRules {
  std::uint16_t port = 0;  // of the gateway, at 127.0.0.1
  std::string path = "/";
  bool reads = true;  // what comes back is read and dropped; else it is left in the socket
  // After one block the connection is reset and made anew.
  bool resets = false;
};

// What all flooders of a run did together.
struct FloodTotals {
  std::uint64_t sent = 0;      // bytes of blocks
  std::uint64_t received = 0;  // bytes, heads of answers included
  std::uint64_t reconnects = 0;
  std::uint64_t refused = 0;  // handshakes that were not answered with 101
  std::size_t gone = 0;       // flooders that nobody listens to any more
};

// One hostile connection: sends blocks whenever its socket is writable, one write of a block at
// most for each turn of the loop, and connects again as soon as the gateway ends the connection.
class Flooder final : public Watcher {
 public:
  // Everything outlives it. `source`: the address to come from. `on_open` is called once, when the
  // connection is ready to send for the first time.
  Flooder(Loop& loop, const FloodRules& rules, const FloodBlock& block, FloodTotals& totals,
          std::string source, std::move_only_function<void()> on_open);

  void OnEvents(std::uint32_t events) override;
  // Sends from now on; until then the connection only stands.
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
