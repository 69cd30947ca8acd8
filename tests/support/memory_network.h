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

// A network inside the process, for one loop. Events happen in rounds: in each, everything that is
// alive gets one turn, in the order of creation, and handlers are called from nowhere else. The
// same calls give the same events, always.
class MemoryNetwork final : public io::Network {
 public:
  // Of connections made from now on.
  struct Options {
    std::size_t read_chunk = io::kReadBufferSize;  // most bytes for one OnBytes of an inside end
    std::size_t send_buffer = 256 * 1024;          // bytes that the system takes from either end
    bool reset_on_unread = false;  // closing an end that has unread bytes is a reset, as on Linux
  };

  MemoryNetwork();
  ~MemoryNetwork() override;
  MemoryNetwork(const MemoryNetwork&) = delete;
  MemoryNetwork& operator=(const MemoryNetwork&) = delete;

  // What the code under test uses; everything made here is inside.
  Result<std::unique_ptr<io::Listener>> Listen(const SocketAddress& address,
                                               const io::ListenOptions& options,
                                               io::AcceptHandler& handler) override;
  std::unique_ptr<io::Pending> Connect(const SocketAddress& address,
                                       io::ConnectHandler& handler) override;
  // Answers literals, "localhost", and the names of SetHost.
  std::unique_ptr<io::Pending> Resolve(const std::string& host,
                                       io::ResolveHandler& handler) override;

  // What a test uses to play the world around it; see also TestPeer and TestServer.
  Result<std::unique_ptr<io::Listener>> ListenOutside(const SocketAddress& address,
                                                      io::AcceptHandler& handler);
  // Connects at once; the listener accepts in the next round. nullptr when nobody listens. `from`
  // is the address that the listener's side sees; 127.0.0.1 and a new port when it is not given.
  std::unique_ptr<MemoryStream> Dial(const SocketAddress& to,
                                     const std::optional<SocketAddress>& from = {});

  // One round; false when nothing happened.
  bool RunOnce();
  // Rounds until nothing happens any more. A world that never falls silent is a test failure.
  void RunUntilIdle();

  Options& options() { return options_; }

  // Where the inside ends made from now on enter what they queue; outlives them.
  void SetLedger(io::MemoryLedger& ledger) { ledger_ = &ledger; }
  io::MemoryLedger* ledger() const { return ledger_; }

  // What becomes of connection attempts to an address, until changed again.
  void HangConnects(const SocketAddress& to) { connects_[ToString(to)] = Hang{}; }
  void FailConnects(const SocketAddress& to, Error error) {
    connects_[ToString(to)] = std::move(error);
  }
  void ResetConnects(const SocketAddress& to) { connects_[ToString(to)] = AcceptAndReset{}; }
  void AllowConnects(const SocketAddress& to) { connects_.erase(ToString(to)); }
  void FailListens(const SocketAddress& at, Error error) {
    listens_[ToString(at)] = std::move(error);
  }
  // What becomes of names. Names that were never set do not resolve.
  void SetHost(const std::string& host, std::vector<Ip> addresses) {
    hosts_[host] = std::move(addresses);
  }
  void SetHost(const std::string& host, const std::string& literal);
  void FailHost(const std::string& host, Error error) { hosts_[host] = std::move(error); }
  void HangHost(const std::string& host) { hosts_[host] = Hang{}; }

  // Makes the n-th operation from now (1 is the next) of the inside fail: a Connect, a Resolve, a
  // read, a write. A test that wants to see every failure runs its scenario once, takes
  // operations(), and repeats it for each n.
  void FailOperation(std::uint64_t nth, Error error = {Errc::kReset, "injected failure"});
  std::uint64_t operations() const { return operations_; }
  bool operation_failed() const { return operation_failed_; }

  // Inside, in the order of creation.
  std::vector<MemoryStream*> Streams() const;
  std::size_t stream_count() const { return Streams().size(); }
  // What is inside and still there, listeners and pending work included; for messages.
  std::vector<std::string> Leftovers() const;

  // For the parts of the network.

  struct Hang {};
  struct AcceptAndReset {};
  using ConnectOutcome = std::variant<Hang, AcceptAndReset, Error, std::unique_ptr<MemoryStream>>;
  ConnectOutcome Establish(const SocketAddress& to, Place place,
                           const std::optional<SocketAddress>& from);
  using ResolveOutcome = std::variant<Hang, Error, std::vector<Ip>>;
  ResolveOutcome LookUp(const std::string& host) const;
  // The error when this operation is the one that has to fail.
  std::optional<Error> CountOperation();
  // The one read buffer, filled with `bytes` behind its headroom. ReleaseReadBuffer makes a rag of
  // it, so that a handler that kept a pointer reads garbage (and trips AddressSanitizer), and
  // checks that nothing was written behind the end.
  MutableBytes LendReadBuffer(Bytes bytes);
  void ReleaseReadBuffer(std::size_t size);

 private:
  friend class Participant;
  friend class MemoryListener;

  Result<std::unique_ptr<io::Listener>> ListenAt(const SocketAddress& address,
                                                 io::AcceptHandler& handler, Place place);
  MemoryListener* FindListener(const SocketAddress& to) const;

  Options options_;
  io::MemoryLedger* ledger_ = nullptr;
  std::map<std::uint64_t, Participant*> participants_;
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
