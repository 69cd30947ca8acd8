#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/io/network.h"
#include "gateway/io/timers.h"
#include "gateway/tls/context.h"

namespace upgate::backend {

// What begins a connection of the gateway's own, such as a health check, to a server that expects a
// PROXY header; empty for kOff.
std::string OwnGreeting(config::SendProxy version);

// One attempt to connect to one server: its name, its addresses (see AddressRace), then TLS, all
// within a time. Counts and decides nothing. Destroying it gives the attempt up. Runs on its loop's
// thread.
class Connecting final : private io::ResolveHandler,
                         private io::ConnectHandler,
                         private io::Timer::Owner {
 public:
  class Owner {
   public:
    // One of these, once for each Start and never from inside it; the attempt may then be destroyed
    // or started anew.
    virtual void OnServerConnected(std::unique_ptr<io::ByteStream> stream) = 0;
    // kTimeout when the time was up.
    virtual void OnServerFailed(const Error& error) = 0;
    // What is sent first on the connection, before TLS.
    virtual std::string Greeting() { return {}; }

   protected:
    ~Owner() = default;
  };

  // What is borrowed outlives it.
  Connecting(io::Loop loop, tls::Scratch& scratch, Owner& owner)
      : loop_(loop), scratch_(scratch), owner_(owner), timer_(loop.timers, *this) {}

  struct Within {
    io::Millis time;
    std::string_view key;  // what says so, for the message: "connect_timeout of the backend"
  };
  // `server` outlives the attempt; `tls` is nullptr where it does not need it.
  void Start(const config::Server& server, std::shared_ptr<tls::ClientContext> tls,
             const Within& within);
  // Gives the attempt up, if there is one.
  void Cancel() {
    timer_.Disarm();
    step_.reset();
  }

 private:
  void OnResolved(const std::vector<Ip>& addresses) override;
  void OnResolveFailed(const Error& error) override { Fail(error); }
  void OnConnected(std::unique_ptr<io::ByteStream> stream) override;
  void OnConnectFailed(const Error& error) override { Fail(error); }
  void OnTimer(io::Timer&) override;
  void Fail(const Error& error);

  io::Loop loop_;
  tls::Scratch& scratch_;
  Owner& owner_;
  const config::Server* server_ = nullptr;
  std::shared_ptr<tls::ClientContext> tls_;
  std::string_view key_;
  bool securing_ = false;  // connected, TLS handshake under way
  io::Timer timer_;
  std::unique_ptr<io::Pending> step_;
};

}  // namespace upgate::backend
