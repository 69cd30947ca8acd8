#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/address.h"
#include "gateway/base/bytes.h"
#include "gateway/base/result.h"
#include "gateway/io/later.h"
#include "gateway/io/memory.h"
#include "gateway/io/stream.h"
#include "gateway/io/timers.h"

namespace upgate::io {

// Receives the connections of a Listener, on the loop's thread.
class AcceptHandler {
 public:
  // A connection may be waiting in the backlog. True: it is accepted, and exactly one of OnAccept,
  // OnNoConnection and OnAcceptFailed follows. False: it stays there, and the listener does not
  // look again before Resume().
  virtual bool MayAccept() { return true; }
  virtual void OnAccept(std::unique_ptr<ByteStream> stream) = 0;
  // The backlog was empty, or the connection was already gone.
  virtual void OnNoConnection() {}
  // Connections stay in the backlog because the system has no descriptors or memory for them
  // (kLimit); accepting continues after a short pause.
  virtual void OnAcceptFailed(const Error& error) { (void)error; }

 protected:
  ~AcceptHandler() = default;
};

// A listening socket. Destroying it stops listening.
class Listener : public Deletable {
 public:
  // Has the port assigned by the system if port 0 was requested.
  virtual SocketAddress address() const = 0;
  // Looks for connections again after MayAccept has left them in the backlog.
  virtual void Resume() = 0;
  // Accepts everything that waits in the backlog, as far as MayAccept allows, for a listener that
  // is about to be destroyed: the system resets what it then has not accepted. Not from inside
  // OnAccept.
  virtual void AcceptWaiting() {}
};

// A socket that listens but belongs to no loop yet: connections wait in its backlog. Not tied to a
// thread.
class BoundSocket {
 public:
  virtual ~BoundSocket() = default;
  // As Listener::address.
  virtual SocketAddress address() const = 0;
};

// Who else may listen on a TCP address. kAlone and kFirst fail with kAddressInUse if somebody
// already listens there.
enum class Sharing : std::uint8_t {
  kAlone,  // nobody
  kFirst,  // sockets of this user that use kJoin
  kJoin,   // together with a kFirst; the system distributes connections over all of them
};

struct ListenOptions {
  int backlog = 1024;
  Sharing sharing = Sharing::kAlone;
};

// Receives the result of Network::Connect, exactly one call on the loop's thread. Errors: kRefused
// (nobody listens, or it was connected to itself), kUnreachable (no route, or no such unix socket),
// kTimeout (the system gave up), kReset, kPermission, kLimit (descriptors or memory), kOther (such
// as a path that is too long for a unix socket).
class ConnectHandler {
 public:
  virtual void OnConnected(std::unique_ptr<ByteStream> stream) = 0;
  virtual void OnConnectFailed(const Error& error) = 0;

 protected:
  ~ConnectHandler() = default;
};

// Receives the result of Network::Resolve, exactly one call on the loop's thread. Errors: kResolve
// (no address, or no answer), kLimit (too many lookups are waiting).
class ResolveHandler {
 public:
  // Never empty, in the order in which to try them.
  virtual void OnResolved(const std::vector<Ip>& addresses) = 0;
  virtual void OnResolveFailed(const Error& error) = 0;

 protected:
  ~ResolveHandler() = default;
};

// An operation in progress. Destroying it cancels it; the handler gets no more callbacks. May be
// destroyed from inside its own handler's callback.
class Pending : public Deletable {};

// The network of one loop. Handlers are not owned, must outlive the pending operation, and are
// never called from inside the call that started it. There are no timeouts here: callers use a
// Timer.
class Network {
 public:
  virtual ~Network() = default;

  // Several loops may listen on the same TCP address: see Sharing.
  virtual Result<std::unique_ptr<Listener>> Listen(const SocketAddress& address,
                                                   const ListenOptions& options,
                                                   AcceptHandler& handler) = 0;
  // The same for a socket that this kind of network has bound elsewhere.
  virtual Result<std::unique_ptr<Listener>> Adopt(std::unique_ptr<BoundSocket> /*socket*/,
                                                  AcceptHandler& /*handler*/) {
    return Fail(Errc::kOther, "this network has no sockets of its own");
  }

  virtual std::unique_ptr<Pending> Connect(const SocketAddress& address,
                                           ConnectHandler& handler) = 0;

  // Resolves names and address literals. Results are cached for a short time; after that, the old
  // result is used while a new lookup runs, or if it fails.
  virtual std::unique_ptr<Pending> Resolve(const std::string& host, ResolveHandler& handler) = 0;
};

// Cryptographically secure random bytes. Tests use fixed bytes.
class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual void Fill(MutableBytes out) = 0;
  // Evenly distributed from 0 to below 1, in steps of 2^-32.
  double Fraction() {
    std::array<std::byte, sizeof(std::uint32_t)> bytes;
    Fill(bytes);
    return static_cast<double>(std::bit_cast<std::uint32_t>(bytes)) / 4294967296.0;
  }
};

// The loop's turn: one iteration of the event loop.
class Turn {
 public:
  virtual ~Turn() = default;
  // Destroys `thing` at the end of the turn, so that no object is destroyed inside its own call
  // stack. In order of the calls.
  virtual void DeferDelete(std::unique_ptr<Deletable> thing) = 0;
  // Calls `later.OnLater()` once in the next turn, before the loop sleeps; calls made from there
  // are run in the turn after. In order of the calls; no effect if it is already waiting. Not
  // owned: destroying it, or Cancel(), removes it. For work that must not happen inside the call
  // that found it necessary; a timer without delay would wait for the clock's next tick. The
  // callback must be short: all of them run in one turn.
  virtual void RunLater(Later& later) = 0;
  // The same for a session or connection with work left after its share of the turn (see
  // Loop::share): a turn serves some of these calls, in order, after all new work.
  virtual void Continue(Later& later) = 0;
  // True if work is waiting for a later turn: the loop is as busy as it can be.
  virtual bool crowded() const { return false; }
};

// The cost of a message in addition to its bytes, and a share that takes some hundred microseconds.
inline constexpr std::size_t kMessageWork = 512;
inline constexpr std::size_t kShare = 128 * 1024;

// Everything that a loop offers to the code that runs on it.
struct Loop {
  Network& network;
  Timers& timers;
  Entropy& entropy;
  Turn& turn;
  MemoryLedger& memory;
  // How much work one session or connection may do before others are served: the bytes read,
  // inflated or sent in response, plus kMessageWork for every message.
  std::size_t share = kShare;
};

}  // namespace upgate::io
