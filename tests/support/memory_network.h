#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "gateway/io/network.h"
#include "tests/support/memory_stream.h"

namespace upgate::test {

class MemoryListener;

// An in-process network for one loop. Events happen in rounds: in each, every participant gets one
// step, in the order of creation, and handlers are called from nowhere else. Deterministic.
class MemoryNetwork final : public io::Network {
 public:
  // Options for connections made from now on.
  struct Options {
    std::size_t read_chunk = io::kReadBufferSize;  // maximum bytes per OnBytes of an inside end
    std::size_t send_buffer = 256 * 1024;          // bytes that the kernel accepts from either end
    bool reset_on_unread = false;  // as on Linux, closing an end with unread bytes resets
  };

  MemoryNetwork();
  ~MemoryNetwork() override;
  MemoryNetwork(const MemoryNetwork&) = delete;
  MemoryNetwork& operator=(const MemoryNetwork&) = delete;

  // Interface for the code under test; everything created here is inside.
  Result<std::unique_ptr<io::Listener>> Listen(const SocketAddress& address,
                                               const io::ListenOptions& options,
                                               io::AcceptHandler& handler) override;
  std::unique_ptr<io::Pending> Connect(const SocketAddress& address,
                                       io::ConnectHandler& handler) override;
  // Resolves literals, "localhost", and the names given to SetHost.
  std::unique_ptr<io::Pending> Resolve(const std::string& host,
                                       io::ResolveHandler& handler) override;

  // Interface for the test, which plays the peers; see also TestPeer and TestServer.
  Result<std::unique_ptr<io::Listener>> ListenOutside(const SocketAddress& address,
                                                      io::AcceptHandler& handler);
  // Connects at once; the listener accepts in the next round. nullptr if nobody listens. `from` is
  // the address that the listener's side sees; default: 127.0.0.1 and a new port.
  std::unique_ptr<MemoryStream> Dial(const SocketAddress& to,
                                     const std::optional<SocketAddress>& from = {});

  // Runs one round; false if nothing happened.
  bool RunOnce();
  // Runs rounds until nothing happens any more. It is a test failure if that never occurs.
  void RunUntilIdle();

  Options& options() { return options_; }

  // The ledger for queues of inside ends made from now on; must outlive them.
  void SetLedger(io::MemoryLedger& ledger) { ledger_ = &ledger; }
  io::MemoryLedger* ledger() const { return ledger_; }

  // Sets the outcome of connection attempts to an address, until changed again.
  void HangConnects(const SocketAddress& to) { connects_[ToString(to)] = Hang{}; }
  void FailConnects(const SocketAddress& to, Error error) {
    connects_[ToString(to)] = std::move(error);
  }
  void ResetConnects(const SocketAddress& to) { connects_[ToString(to)] = AcceptAndReset{}; }
  void AllowConnects(const SocketAddress& to) { connects_.erase(ToString(to)); }
  void FailListens(const SocketAddress& at, Error error) {
    listens_[ToString(at)] = std::move(error);
  }
  // Sets the result of name lookups. Names that were never set do not resolve.
  void SetHost(const std::string& host, std::vector<Ip> addresses) {
    hosts_[host] = std::move(addresses);
  }
  void SetHost(const std::string& host, const std::string& literal);
  void FailHost(const std::string& host, Error error) { hosts_[host] = std::move(error); }
  void HangHost(const std::string& host) { hosts_[host] = Hang{}; }

  // Makes the n-th operation of the inside from now on (1 is the next) fail: a Connect, a Resolve,
  // a read or a write. To cover every failure, run the scenario once, take operations(), and repeat
  // it for each n.
  void FailOperation(std::uint64_t nth, Error error = {Errc::kReset, "injected failure"});
  std::uint64_t operations() const { return operations_; }
  bool operation_failed() const { return operation_failed_; }

  // The inside streams, in the order of creation.
  std::vector<MemoryStream*> Streams() const;
  std::size_t stream_count() const { return Streams().size(); }
  // Everything inside that still exists, including listeners and pending operations; for messages.
  std::vector<std::string> Leftovers() const;

  // Internal interface for streams and listeners.

  struct Hang {};
  struct AcceptAndReset {};
  using ConnectOutcome = std::variant<Hang, AcceptAndReset, Error, std::unique_ptr<MemoryStream>>;
  ConnectOutcome Establish(const SocketAddress& to, Place place,
                           const std::optional<SocketAddress>& from);
  using ResolveOutcome = std::variant<Hang, Error, std::vector<Ip>>;
  ResolveOutcome LookUp(const std::string& host) const;
  // The injected error, if this operation has to fail.
  std::optional<Error> CountOperation();
  // The shared read buffer, filled with `bytes` after its headroom. ReleaseReadBuffer overwrites it
  // with garbage and poisons it, so that a handler that kept a pointer is detected, and checks that
  // nothing was written past the end.
  MutableBytes LendReadBuffer(Bytes bytes);
  void ReleaseReadBuffer(std::size_t size);

 private:
  friend class Participant;
  friend class MemoryListener;

  Result<std::unique_ptr<io::Listener>> ListenAt(const SocketAddress& address,
                                                 io::AcceptHandler& handler, Place place);
  MemoryListener* FindListener(const SocketAddress& to) const;
  void Remove(std::uint64_t id);

  Options options_;
  io::MemoryLedger* ledger_ = nullptr;
  std::map<std::uint64_t, Participant*> participants_;
  std::map<std::uint64_t, Participant*>::iterator next_;  // while running_
  std::uint64_t last_id_ = 0;
  bool running_ = false;
  std::vector<MemoryListener*> listeners_;
  std::map<std::string, std::variant<Hang, AcceptAndReset, Error>> connects_;
  std::map<std::string, Error> listens_;
  std::map<std::string, ResolveOutcome> hosts_;
  std::uint16_t next_listen_port_ = 20000;
  std::uint16_t next_client_port_ = 40000;
  std::uint64_t operations_ = 0;
  std::uint64_t fail_at_ = 0;  // 0: none
  Error fail_with_;
  bool operation_failed_ = false;
  std::unique_ptr<std::byte[]> read_buffer_;
};

}  // namespace upgate::test
