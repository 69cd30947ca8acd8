#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/io/network.h"
#include "gateway/net/timer_wheel.h"

namespace upgate::bench {

// The far end of one of the gateway's streams, for the workload to play.
struct Wire {
  io::StreamHandler* handler = nullptr;
  std::string written;  // by the gateway, not taken yet
  bool reading = false;
  bool open = true;  // the gateway has not destroyed its stream
  bool shut_down = false;
  bool flush_is_due = false;
};

// A loop and a network in memory that cost next to nothing, so that what is counted is the gateway.
// Time stands still; nothing happens but in Deliver, End and Settle.
class World final : public io::Network, private io::Turn {
 public:
  World();
  ~World() override;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  io::Loop& io() { return loop_; }

  // A client connects to the gateway's only listener.
  std::shared_ptr<Wire> Connect();
  // The gateway's newest connection to a server.
  std::shared_ptr<Wire> server() const { return server_; }
  // The gateway reads this in one piece, of at most io::kReadBufferSize.
  void Deliver(Wire& wire, std::string_view bytes);
  // The far end sends nothing more.
  void End(Wire& wire);
  // Whatever the gateway put off happens, until nothing is left.
  void Settle();

  Result<std::unique_ptr<io::Listener>> Listen(const SocketAddress& address,
                                               const io::ListenOptions& options,
                                               io::AcceptHandler& handler) override;
  std::unique_ptr<io::Pending> Connect(const SocketAddress& address,
                                       io::ConnectHandler& handler) override;
  std::unique_ptr<io::Pending> Resolve(const std::string& host,
                                       io::ResolveHandler& handler) override;

 private:
  class Stream;
  class Connecting;
  class Resolving;
  struct FixedEntropy final : io::Entropy {
    void Fill(MutableBytes out) override;
    unsigned state = 1;
  };

  void DeferDelete(std::unique_ptr<io::Deletable> thing) override;
  void RunLater(io::Later& later) override;
  void Continue(io::Later& later) override { RunLater(later); }
  // Whether anything happened.
  bool RunTurn();
  bool Flush();

  net::TimerWheel timers_;
  FixedEntropy entropy_;
  io::LaterList later_;
  std::vector<std::unique_ptr<io::Deletable>> deferred_;
  std::vector<std::shared_ptr<Wire>> flushing_;
  std::vector<std::byte> buffer_;
  io::AcceptHandler* listener_ = nullptr;
  std::shared_ptr<Wire> server_;
  io::MemoryLedger memory_;
  io::Loop loop_{*this, timers_, entropy_, *this, memory_};
};

}  // namespace upgate::bench
