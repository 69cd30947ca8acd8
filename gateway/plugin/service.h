#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/bytes.h"
#include "gateway/config/config.h"
#include "gateway/config/field.h"
#include "gateway/http/exchange.h"
#include "gateway/io/network.h"
#include "gateway/plugin/message.h"

namespace upgate::plugin {

// A WebSocket session as a service sees it. Owned by the gateway; valid until SocketHandler is
// destroyed. Used on its loop's thread only.
class Socket {
 public:
  virtual const http::Request& request() const = 0;
  virtual SocketAddress client_address() const = 0;
  virtual std::string_view subprotocol() const = 0;

  // Sends one message. Text must be UTF-8. Bounded by congested(): while that is true, further
  // messages are still taken, but a service should wait for OnDrained; the gateway stops reading
  // this client meanwhile.
  virtual void Send(MessageKind kind, Bytes payload) = 0;
  // The same for a message that goes to many: nothing is encoded anew.
  virtual void Send(const Message& message) = 0;
  // The same for several at once, in one write where that can be.
  virtual void SendAll(std::span<const Message> messages) {
    for (const Message& message : messages) Send(message);
  }
  virtual void SendBatch(const Batch& batch) { SendAll(batch.messages()); }
  virtual bool congested() const = 0;

  // Stops and starts OnMessage. A client that is not read is not taken for a silent one.
  virtual void SetReading(bool on) = 0;

  // Starts the closing handshake; nothing can be sent after it. `code` is one that may stand on the
  // wire (RFC 6455, section 7.4).
  virtual void Close(std::uint16_t code, std::string_view reason) = 0;

 protected:
  ~Socket() = default;
};

// What a service keeps for one session. Destroyed when the session ends; the socket must not be
// used from then on.
class SocketHandler : public io::Deletable {
 public:
  // A whole message, at most limits.message_size. The bytes may be changed in place and are gone
  // after the call.
  virtual void OnMessage(MessageKind kind, MutableBytes payload) = 0;
  virtual void OnDrained() {}
  // The client is gone or closing. `code` as in RFC 6455, section 7.4; 1005 and 1006 as defined
  // there.
  virtual void OnClose(std::uint16_t code) { (void)code; }
  // What the service holds for this client, such as messages that it cannot take yet; the service
  // enters it in the loop's ledger (io::MemoryCharge, Message::Charge). A client for whom much is
  // held is the first to be closed when there is not enough memory.
  virtual std::size_t held_bytes() const { return 0; }
};

// One loop's part of a service: answers the requests and sessions that come to its route there.
// Made, used and destroyed on its loop's thread, so that it needs no lock.
class Instance : public io::Deletable {
 public:
  // Ordinary HTTP requests, where the service serves them. nullptr is allowed when the exchange was
  // answered inside the call.
  virtual std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange);
  // Called right after the 101, where the service serves WebSockets; never nullptr then.
  virtual std::unique_ptr<SocketHandler> OnSocket(Socket& socket);
};

// The gateway's numbers, as texts that whoever asks at the same time shares: they are made at most
// ten times a second, whoever asks how often. Never nullptr. Thread-safe.
class StatsSource {
 public:
  using Text = std::shared_ptr<const std::string>;
  virtual Text StatsJson() const = 0;
  virtual Text StatsPrometheus() const = 0;

 protected:
  ~StatsSource() = default;
};

// What the gateway lends to one instance; outlives it. Used on the instance's loop's thread.
class Host {
 public:
  virtual const StatsSource& stats() const = 0;
  virtual io::Loop loop() = 0;

  // Which loop this is, and of how many.
  virtual std::size_t loop_index() const = 0;
  virtual std::size_t loops() const = 0;
  // Runs `task` on another loop (or, later, on this one) with the instance that the same route has
  // there. Tasks from one loop to another keep their order. Not to be called while instances are
  // being made; dropped when the gateway ends before.
  using Task = std::move_only_function<void(Instance&)>;
  virtual void Post(std::size_t loop_index, Task task) = 0;

 protected:
  ~Host() = default;
};

// A service as one route configures it, its options read and checked. Made once and shared by all
// loops: const, thread-safe.
class Service {
 public:
  virtual ~Service() = default;
  virtual bool serves_http() const { return false; }
  virtual bool serves_websocket() const { return false; }
  virtual std::unique_ptr<Instance> Start(Host& host) const = 0;

  // What would become of a request, for those who look at a configuration (`upgate explain` and
  // `check`). On any thread; may take its time.
  struct Preview {
    std::string line;      // for a reader; empty: there is nothing to say
    std::string location;  // where the client would be sent, as in the header of this name
  };
  virtual Preview Foretell(const http::Request& /*request*/, bool /*tls*/) const { return {}; }
};

// What a service is made from. Borrowed; the route outlives the service.
struct ServiceSetup {
  const config::Route& route;
  config::Field options;  // an empty map where the route gives none; takes what is wrong with them
  std::filesystem::path folder;  // of the configuration: where relative paths start
};

// Makes a service. With errors in `options` what it returns is not used, and may be nullptr.
using ServiceFactory = std::function<std::unique_ptr<Service>(ServiceSetup setup)>;

// The services that routes can name. Filled once at start, by plugins/builtins.cc; read-only after
// that.
class Registry {
 public:
  // `name` is what a route's `plugin:` says; each name once.
  void AddService(std::string name, ServiceFactory factory);
  // nullptr when there is none of that name.
  const ServiceFactory* FindService(std::string_view name) const;
  std::vector<std::string> ServiceNames() const;

 private:
  std::map<std::string, ServiceFactory, std::less<>> services_;
};

// The error for a service that takes no options and got some; for use in factories.
void RejectOptions(const config::Field& options, std::string_view service);

}  // namespace upgate::plugin
