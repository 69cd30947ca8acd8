#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/bytes.h"
#include "gateway/config/error.h"
#include "gateway/config/value.h"
#include "gateway/http/exchange.h"
#include "gateway/io/stream.h"

namespace upgate::plugin {

enum class MessageKind : std::uint8_t { kText, kBinary };

// A WebSocket session as a service sees it. Owned by the gateway; valid until SocketHandler is destroyed. Used on its loop's
// thread only.
class Socket {
 public:
  virtual const http::Request& request() const = 0;
  virtual SocketAddress client_address() const = 0;
  virtual std::string_view subprotocol() const = 0;

  // Sends one message. Text must be UTF-8. Bounded by congested(): while that is true, further messages are still taken, but a
  // service should wait for OnDrained; the gateway stops reading this client meanwhile.
  virtual void Send(MessageKind kind, Bytes payload) = 0;
  virtual bool congested() const = 0;

  // Starts the closing handshake; nothing can be sent after it. `code` is one that may stand on the wire (RFC 6455, section 7.4).
  virtual void Close(std::uint16_t code, std::string_view reason) = 0;

 protected:
  ~Socket() = default;
};

// What a service keeps for one session. Destroyed when the session ends; the socket must not be used from then on.
class SocketHandler : public io::Deletable {
 public:
  // A whole message, at most limits.message_size. The bytes may be changed in place and are gone after the call.
  virtual void OnMessage(MessageKind kind, MutableBytes payload) = 0;
  virtual void OnDrained() {}
  // The client is gone or closing. `code` as in RFC 6455, section 7.4; 1005 and 1006 as defined there.
  virtual void OnClose(std::uint16_t code) { (void)code; }
};

// A service: answers the requests and sessions of one route, on one loop. The gateway makes one instance for each route and
// loop, so that no instance needs a lock.
class Service : public io::Deletable {
 public:
  // Ordinary HTTP requests. nullptr from OnSocket/OnRequest of the base class means: not served; the gateway answers 426 or 400.
  virtual bool serves_http() const { return false; }
  virtual bool serves_websocket() const { return false; }
  virtual std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange);
  // Called right after the 101. Never nullptr when serves_websocket().
  virtual std::unique_ptr<SocketHandler> OnSocket(Socket& socket);
};

// What the gateway lends to services. Thread-safe, outlives them.
class Host {
 public:
  virtual std::string StatsJson() const = 0;
  virtual std::string StatsPrometheus() const = 0;

 protected:
  ~Host() = default;
};

// Makes a service from its route's options. `errors` takes what is wrong with them, with marks; nullptr then.
using ServiceFactory =
    std::function<std::unique_ptr<Service>(const config::Value& options, Host& host, std::vector<config::ConfigError>& errors)>;

// The services that routes can name. Filled once at start, by plugins/builtins.cc; read-only after that.
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
void RejectOptions(const config::Value& options, std::string_view service, std::vector<config::ConfigError>& errors);

}  // namespace upgate::plugin
