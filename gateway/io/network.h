#pragma once

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

class AcceptHandler {
 public:
  // A connection may be waiting in the backlog. True: it is taken, and exactly one of OnAccept,
  // OnNobody and OnAcceptFailed follows. False: it is left there, and the listener does not look
  // again before its Resume().
  virtual bool MayAccept() { return true; }
  virtual void OnAccept(std::unique_ptr<ByteStream> stream) = 0;
  // There was none, or it had gone.
  virtual void OnNobody() {}
  // Connections wait in the backlog because the system has no descriptors or memory for them
  // (kLimit); accepting goes on after a short pause.
  virtual void OnAcceptFailed(const Error& error) { (void)error; }

 protected:
  ~AcceptHandler() = default;
};

// A listening socket. Destroying it stops listening.
class Listener : public Deletable {
 public:
  // With the port that the system chose where 0 was asked for.
  virtual SocketAddress address() const = 0;
  // Looks again for connections after MayAccept has left them in the backlog.
  virtual void Resume() = 0;
};

// Who else may listen on a TCP address. Whoever comes as kAlone or kFirst fails with kAddressInUse
// when anybody is there already.
enum class Sharing : std::uint8_t {
  kAlone,  // nobody
  kFirst,  // those of this user who Join
  kJoin,   // beside a kFirst: the system spreads the connections over all of them
};

struct ListenOptions {
  int backlog = 1024;
  Sharing sharing = Sharing::kAlone;
};

class ConnectHandler {
 public:
  virtual void OnConnected(std::unique_ptr<ByteStream> stream) = 0;
  virtual void OnConnectFailed(const Error& error) = 0;

 protected:
  ~ConnectHandler() = default;
};

class ResolveHandler {
 public:
  // Never empty, in the order in which to try them.
  virtual void OnResolved(const std::vector<Ip>& addresses) = 0;
  virtual void OnResolveFailed(const Error& error) = 0;

 protected:
  ~ResolveHandler() = default;
};

// Something under way. Destroying it cancels it; the handler then hears nothing more. May be
// destroyed from inside its own handler's callback.
class Pending : public Deletable {};

// The network as one loop sees it. Handlers are not owned, outlive what is pending, and are never
// called from inside the call that started the work. There is no timeout here: whoever waits has a
// Timer.
class Network {
 public:
  virtual ~Network() = default;

  // Several loops may listen on the same TCP address: see Sharing.
  virtual Result<std::unique_ptr<Listener>> Listen(const SocketAddress& address,
                                                   const ListenOptions& options,
                                                   AcceptHandler& handler) = 0;

  virtual std::unique_ptr<Pending> Connect(const SocketAddress& address,
                                           ConnectHandler& handler) = 0;

  // Names and address literals. Answers are cached for a short time and resolved anew after it;
  // while a new answer is fetched, or cannot be had, the old one still serves.
  virtual std::unique_ptr<Pending> Resolve(const std::string& host, ResolveHandler& handler) = 0;
};

// Randomness fit for keys. Tests put fixed bytes here.
class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual void Fill(MutableBytes out) = 0;
};

// The loop's turn: one round of events.
class Turn {
 public:
  virtual ~Turn() = default;
  // Destroys `thing` when the turn is over, so that nobody dies inside their own call stack. Order
  // of calls is kept.
  virtual void DeferDelete(std::unique_ptr<Deletable> thing) = 0;
  // Calls `later.OnLater()` once on the next turn, before the loop sleeps; what is asked for from
  // there comes on the turn after. Order of calls is kept; nothing when it waits already. Not
  // owned: destroying it, or its Cancel(), takes the call back. For what must not happen inside the
  // call that found it out: a timer without delay would wait for the clock's next tick. The call
  // must be short: all of them are made in one turn.
  virtual void RunLater(Later& later) = 0;
  // The same for what somebody has left over who has used up a share of the loop's turn (see
  // Loop::share): a turn serves some of these calls, in order, behind everything that is new.
  virtual void Continue(Later& later) = 0;
};

// What a message costs beside its bytes, and the share that lasts some hundred microseconds.
inline constexpr std::size_t kMessageWork = 512;
inline constexpr std::size_t kShare = 128 * 1024;

// All that a loop offers to those who run on it.
struct Loop {
  Network& network;
  Timers& timers;
  Entropy& entropy;
  Turn& turn;
  MemoryLedger& memory;
  // How much work one session or connection may do before others have their turn: a number of bytes
  // read, inflated or sent in answer, where every message costs kMessageWork more.
  std::size_t share = kShare;
};

}  // namespace upgate::io
