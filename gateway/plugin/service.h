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
#include "gateway/plugin/auth.h"
#include "gateway/plugin/message.h"
#include "gateway/plugin/resolver.h"

namespace upgate::plugin {

// A WebSocket session as seen by a service. Owned by the gateway; valid until SocketHandler is
// destroyed. Used on its loop's thread only.
class Socket {
 public:
  virtual const http::Request& request() const = 0;
  virtual SocketAddress client_address() const = 0;
  virtual std::string_view subprotocol() const = 0;

  // Sends one message. Text must be UTF-8. Flow control: while congested() is true, messages are
  // still accepted, but a service should wait for OnWritable; the gateway stops reading this client
  // meanwhile.
  virtual void Send(MessageKind kind, Bytes payload) = 0;
  // The same for a message to many sockets, which is already encoded.
  virtual void Send(const Message& message) = 0;
  // The same for several messages, in one write if possible.
  virtual void SendAll(std::span<const Message> messages) {
    for (const Message& message : messages) Send(message);
  }
  virtual void SendBatch(const Batch& batch) { SendAll(batch.messages()); }
  virtual bool congested() const = 0;

  // Pauses and resumes OnMessage. A client that is not read does not time out as silent.
  virtual void SetReading(bool on) = 0;

  // Starts the closing handshake; nothing can be sent after it. `code` must be one that may be sent
  // (RFC 6455, section 7.4).
  virtual void Close(std::uint16_t code, std::string_view reason) = 0;

 protected:
  ~Socket() = default;
};

// The state of a service for one session. Destroyed when the session ends; the socket must not be
// used after that.
class SocketHandler : public io::Deletable {
 public:
  // A whole message, at most limits.message_size. The bytes may be modified in place and are only
  // valid during the call.
  virtual void OnMessage(MessageKind kind, MutableBytes payload) = 0;
  // The client's queue is down to io::kLowMark after congested().
  virtual void OnWritable() {}
  // The client has disconnected or is closing. `code` as in RFC 6455, section 7.4, including 1005
  // and 1006.
  virtual void OnClose(std::uint16_t code) { (void)code; }
  // Memory that the service holds for this client, such as queued messages; the service charges it
  // to the loop's ledger (io::MemoryCharge, Message::Charge). When memory runs short, the clients
  // with the most are closed first.
  virtual std::size_t held_bytes() const { return 0; }
};

// One loop's part of a service: handles the requests and sessions of its route on that loop.
// Created, used and destroyed on its loop's thread, so it needs no lock.
class Instance : public io::Deletable {
 public:
  // Handles an ordinary HTTP request, if the service serves HTTP. May return nullptr if the
  // exchange was answered inside the call.
  virtual std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange);
  // Called directly after the 101, if the service serves WebSocket; must not return nullptr then.
  virtual std::unique_ptr<SocketHandler> OnSocket(Socket& socket);
};

// The gateway's statistics as shared texts. They are generated at most ten times a second, however
// often they are requested. Never nullptr. Thread-safe.
class StatsSource {
 public:
  using Text = std::shared_ptr<const std::string>;
  virtual Text StatsJson() const = 0;
  virtual Text StatsPrometheus() const = 0;

 protected:
  ~StatsSource() = default;
};

// What the gateway provides to one instance; outlives it. Used on the instance's loop's thread.
class Host {
 public:
  virtual const StatsSource& stats() const = 0;
  virtual io::Loop loop() = 0;

  // The index of this loop, and the number of loops.
  virtual std::size_t loop_index() const = 0;
  virtual std::size_t loops() const = 0;
  // Runs `task` on another loop (or, later, on this one) with the same route's instance there.
  // Tasks from one loop to another keep their order. Must not be called while instances are being
  // created. Tasks that have not run when the gateway ends are dropped.
  using Task = std::move_only_function<void(Instance&)>;
  virtual void Post(std::size_t loop_index, Task task) = 0;

 protected:
  ~Host() = default;
};

// A service as configured by one route, with its options validated. Created once and shared by all
// loops: const, thread-safe.
class Service {
 public:
  virtual ~Service() = default;
  virtual bool serves_http() const { return false; }
  virtual bool serves_websocket() const { return false; }
  virtual std::unique_ptr<Instance> Start(Host& host) const = 0;

  // What would happen to a request, for `upgate explain` and `check`. Any thread; may be slow.
  struct Preview {
    std::string line;      // human-readable; empty: nothing to report
    std::string location;  // where the client would be redirected, as in the Location header
  };
  virtual Preview MakePreview(const http::Request& /*request*/, bool /*tls*/) const { return {}; }
};

// Parameters for creating a service. Borrowed; path and limits outlive the service. As long as a
// new configuration has all of this in the same words, a route of the same name keeps its service.
struct ServiceSetup {
  const config::PathPattern& path;
  const config::RouteLimits& limits;
  config::Field options;         // an empty map if the route has none; collects errors in them
  std::filesystem::path folder;  // of the configuration: the base of relative paths
};

// Creates a service. If `options` has errors, the result is not used and may be nullptr.
using ServiceFactory = std::function<std::unique_ptr<Service>(ServiceSetup setup)>;

// The services, resolvers and authenticators that routes can name. Filled once at startup by
// plugins/builtins.cc; read-only after that.
class Registry {
 public:
  // `name` is the value of a route's `plugin` key; names must be unique.
  void AddService(std::string name, ServiceFactory factory);
  // nullptr if there is no service of that name.
  const ServiceFactory* FindService(std::string_view name) const;
  std::vector<std::string> ServiceNames() const;

  // The same for the value of a route's `resolver` key.
  void AddResolver(std::string name, ResolverFactory factory);
  const ResolverFactory* FindResolver(std::string_view name) const;
  std::vector<std::string> ResolverNames() const;

  // The same for the kinds of entries of `auth`.
  void AddAuth(std::string name, AuthFactory factory);
  const AuthFactory* FindAuth(std::string_view name) const;
  std::vector<std::string> AuthNames() const;

 private:
  std::map<std::string, ServiceFactory, std::less<>> services_;
  std::map<std::string, ResolverFactory, std::less<>> resolvers_;
  std::map<std::string, AuthFactory, std::less<>> auth_;
};

// Reports an error if a service without options got some; for use in factories.
void RejectOptions(const config::Field& options, std::string_view service);

}  // namespace upgate::plugin
