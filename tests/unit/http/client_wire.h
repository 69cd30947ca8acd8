#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/client_connection.h"
#include "tests/unit/http/wire.h"

namespace upgate::http {

// Everything a handler was told about one request.
struct Told {
  std::vector<Response> interims;
  std::optional<Response> head;
  BodyLength length;
  std::string body;
  bool ended = false;
  Headers trailers;
  std::optional<Response> upgrade_head;
  std::optional<Upgraded> upgraded;
  bool reading = false;  // after OnHead or OnBody, and before OnReadDone or the end
  int drained = 0;
  std::optional<Error> failed;
  bool untouched = false;

  bool over() const { return ended || failed.has_value() || upgrade_head.has_value(); }
};

// A client connection to a server that is a string, with a handler made of functions. Checks that
// the handler is never called from inside a call on the connection, nor out of order. In `Wire`,
// `inbound` is the data sent by the server, `client_fin` its FIN, and `received` what it received.
class ClientWire final : public ClientConnection::Owner {
 public:
  using Hook = std::function<void()>;

  explicit ClientWire(std::size_t chunk = 4096, ClientLimits limits = {});
  ~ClientWire();

  // Calls on the connection. Outside of a callback, they do nothing else: see Run.
  void Send(const OutgoingRequest& request);
  void SendBody(std::string_view text);
  void EndBody(const Headers& trailers = {});
  void SetBodyReading(bool on);
  void Abort();
  bool congested() const { return connection_->congested(); }
  bool reusable() const { return connection_ && connection_->reusable(); }

  // Actions of the server; each then runs until idle.
  void Answer(std::string_view text);
  void Fin();
  void Rst();
  void Take(std::size_t bytes);
  void Run();
  // Sends a request and its response.
  void Exchange(const OutgoingRequest& request, std::string_view answer);

  // Called by the handler's functions, after their checks; empty by default.
  Hook on_interim, on_head, on_body, on_end, on_upgraded, on_drained, on_failed;
  // All hooks, for tests of actions in any callback.
  std::vector<Hook ClientWire::*> hooks() const;

  Wire& wire() { return *wire_; }
  std::string TakeReceived() { return std::exchange(wire_->received, {}); }
  Told& told() { return *told_.back(); }
  Told& told(std::size_t index) { return *told_.at(index); }
  bool reading() const { return stream_->reading(); }
  int lost() const { return lost_; }

 private:
  class Handler;
  void OnIdleConnectionClosed(ClientConnection& connection) override;

  const std::size_t chunk_;
  const ClientLimits limits_;
  WireLoop loop_;
  std::shared_ptr<Wire> wire_ = std::make_shared<Wire>();
  WireStream* stream_ = nullptr;
  int calls_ = 0;  // on the connection that have not returned
  int lost_ = 0;
  bool abandoned_ = false;
  std::vector<std::unique_ptr<Told>> told_;
  std::vector<std::unique_ptr<Handler>> handlers_;
  std::unique_ptr<ClientConnection> connection_;
};

// Requests used by many tests.
OutgoingRequest Get();
OutgoingRequest Head();
OutgoingRequest Post(std::optional<std::uint64_t> length);
OutgoingRequest UpgradeTo(std::string protocol);

}  // namespace upgate::http
