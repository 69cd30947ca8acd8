#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/server_connection.h"

namespace upgate::http {

// The client's side of an in-memory connection.
struct Wire {
  std::string inbound;  // sent by the client
  std::size_t inbound_read = 0;
  bool client_fin = false;
  std::optional<Error> break_with;

  std::string received;                  // by the client
  std::size_t room = std::string::npos;  // how much more the client accepts; the rest is queued
  bool server_fin = false;
  bool reset = false;
  bool closed = false;  // the stream is gone
  int writes = 0;
  int fail_write = 0;  // fails this write; 0: none
};

class WireStream final : public io::ByteStream {
 public:
  explicit WireStream(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {}
  ~WireStream() override;

  using io::ByteStream::Write;
  void SetHandler(io::StreamHandler* handler) override { handler_ = handler; }
  void SetReading(bool on) override { reading_ = on; }
  void Write(std::span<const Bytes> slices) override;
  void Shutdown() override { shutdown_ = true; }
  void Abort() override { wire_->reset = true; }
  std::size_t queued() const override { return queue_.size(); }
  io::Delivery delivery() const override { return {.waiting = queued()}; }
  bool HasUnread() const override {
    return broken_ || wire_->inbound_read < wire_->inbound.size() || wire_->client_fin;
  }
  SocketAddress local_address() const override { return IpPort{}; }
  SocketAddress peer_address() const override { return IpPort{*Ip::Parse("192.0.2.7"), 4242}; }

  bool reading() const { return reading_; }
  // Makes at most one callback; false if there was nothing to do.
  bool Step(std::size_t chunk);

 private:
  void Flush();
  std::shared_ptr<Wire> wire_;
  io::StreamHandler* handler_ = nullptr;
  std::string queue_;
  bool reading_ = false;
  bool shutdown_ = false;
  bool was_congested_ = false;
  bool told_end_ = false;
  bool told_flushed_ = false;
  bool broken_ = false;
};

// A loop with simulated time.
class WireLoop final : public io::Timers, public io::Turn, io::Network, io::Entropy {
 public:
  io::MemoryLedger memory;
  io::Loop loop() { return {*this, *this, *this, *this, memory}; }

  io::Instant Now() const override { return now_; }
  std::int64_t UnixSeconds() const override { return 784111777; }
  void Insert(io::Timer& timer, io::Instant deadline) override;
  void DeferDelete(std::unique_ptr<io::Deletable> thing) override {
    deferred_.push_back(std::move(thing));
  }
  void RunLater(io::Later& later) override {
    if (!later.waiting()) later_.Append(later);
  }
  void Continue(io::Later& later) override { RunLater(later); }

  // Runs deferred callbacks, then deferred deletions.
  void EndTurn();
  // Advances the clock to the next timer and fires it, if it is due by `until`; otherwise advances
  // the clock to `until`.
  bool FireNext(io::Instant until);
  int armed() const;

 private:
  Result<std::unique_ptr<io::Listener>> Listen(const SocketAddress&, const io::ListenOptions&,
                                               io::AcceptHandler&) override {
    return Fail(Errc::kOther, "no network here");
  }
  std::unique_ptr<io::Pending> Connect(const SocketAddress&, io::ConnectHandler&) override {
    return nullptr;
  }
  std::unique_ptr<io::Pending> Resolve(const std::string&, io::ResolveHandler&) override {
    return nullptr;
  }
  void Fill(MutableBytes) override {}

  io::Instant now_{};
  io::Timer* armed_ = nullptr;  // unordered
  io::LaterList later_;
  std::vector<std::unique_ptr<io::Deletable>> deferred_;
};

// The outcome of one request: outlives its handler.
struct Seen {
  Request request;
  Exchange* exchange = nullptr;  // valid until `destroyed`
  std::string body;
  bool ended = false;
  Headers trailers;
  int writable = 0;
  bool destroyed = false;
};

// A server connection with a client that is a string, and a handler made of functions.
class HttpWire final : public RequestHandler, ServerConnection::Owner {
 public:
  using Hook = std::function<void(Seen&, Exchange&)>;

  explicit HttpWire(std::size_t chunk = 4096, ServerOptions options = {});
  ~HttpWire();

  // Actions of the client; each then runs until idle.
  void Send(std::string_view text);
  void Fin();
  void Rst();
  void Take(std::size_t bytes);  // accepts this many more bytes
  void Advance(io::Millis by);
  void Drain();
  void Run();

  // Actions of the handler. Empty by default: the request waits.
  Hook on_request, on_body, on_end, on_writable;
  bool return_handler = true;

  Wire& wire() { return *wire_; }
  const std::string& received() const { return wire_->received; }
  std::string TakeReceived() { return std::exchange(wire_->received, {}); }
  bool done() const { return done_; }
  bool reading() const { return stream_->reading(); }
  int armed() const { return loop_.armed(); }
  Seen& seen(std::size_t index) { return *seen_.at(index); }
  std::size_t requests() const { return seen_.size(); }
  const std::vector<int>& answers() const { return answers_; }
  const std::vector<Error>& errors() const { return errors_; }
  // An upgraded stream is kept, so that it is not closed.
  std::optional<Upgraded> upgraded;

  std::unique_ptr<ExchangeHandler> OnRequest(Exchange& exchange) override;
  void OnAnswer(int status) override { answers_.push_back(status); }
  void OnConnectionError(const Error& error) override { errors_.push_back(error); }

 private:
  class Probe;
  void OnConnectionDone(ServerConnection& connection) override;

  const std::size_t chunk_;
  const ServerOptions options_;
  WireLoop loop_;
  std::shared_ptr<Wire> wire_ = std::make_shared<Wire>();
  WireStream* stream_ = nullptr;
  std::vector<std::unique_ptr<Seen>> seen_;
  std::vector<int> answers_;
  std::vector<Error> errors_;
  bool done_ = false;
  std::unique_ptr<ServerConnection> connection_;
};

// A parsed response, for tests that do not depend on every byte.
struct Answer {
  int status = 0;
  Headers headers;
  std::string body;
};
// Takes one response off the front of `text`; fails the test if there is none.
Answer TakeAnswer(std::string& text, bool to_head = false);

}  // namespace upgate::http
