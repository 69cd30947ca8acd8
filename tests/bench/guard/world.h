#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/io/network.h"
#include "gateway/net/timer_wheel.h"

namespace upgate::bench {

// The peer of one of the gateway's streams, driven by the workload.
struct Wire {
  io::StreamHandler* handler = nullptr;
  std::string written;  // written by the gateway, not consumed yet
  bool reading = false;
  bool open = true;  // the gateway has not destroyed its stream
  bool shut_down = false;
  bool flush_is_due = false;
};

// An in-memory loop and network that cost almost nothing, so that the counted instructions are the
// gateway's. Time stands still; events happen only in Deliver, End and Settle.
class World final : public io::Network, private io::Turn {
 public:
  World();
  ~World() override;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  io::Loop& io() { return loop_; }

  // A client connects to the gateway's only listener.
  std::shared_ptr<Wire> Connect();
  // The gateway's most recent connection to a server.
  std::shared_ptr<Wire> server() const { return server_; }
  // The gateway reads `bytes` in one piece; at most io::kReadBufferSize.
  void Deliver(Wire& wire, std::string_view bytes);
  // The peer sends its FIN.
  void End(Wire& wire);
  // Runs everything the gateway has deferred, until nothing is left.
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
  // Returns whether anything ran.
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
