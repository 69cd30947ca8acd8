#include "docs/examples/clock/clock.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace upgate::examples {
namespace {

using namespace std::chrono_literals;
using plugin::MessageKind;

// Bounds the work of one turn: a loop may have thousands of clients.
constexpr int kSendsPerTurn = 256;

// The service's instance on one loop. Runs only on that loop's thread, so it needs no locks.
class Clock final : public plugin::Instance, private io::Timer::Owner, private io::Later {
 public:
  Clock(plugin::Host& host, io::Millis interval)
      : loop_(host.loop()), interval_(interval), timer_(loop_.timers, *this) {}

  std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange) override;
  std::unique_ptr<plugin::SocketHandler> OnSocket(plugin::Socket& socket) override;

  std::string Now() const { return std::to_string(loop_.timers.UnixSeconds()); }

  std::uint64_t Add(plugin::Socket& socket) {
    if (sockets_.empty()) timer_.Arm(interval_);
    sockets_.emplace(++last_id_, &socket);
    return last_id_;
  }
  void Remove(std::uint64_t id) {
    sockets_.erase(id);
    if (sockets_.empty()) timer_.Disarm();
  }

 private:
  void OnTimer(io::Timer& timer) override;
  void OnLater() override { SendSome(); }
  void SendSome();

  io::Loop loop_;
  const io::Millis interval_;
  io::Timer timer_;
  std::map<std::uint64_t, plugin::Socket*> sockets_;
  std::uint64_t last_id_ = 0;
  std::optional<plugin::Message> tick_;  // set while it is being sent
  std::uint64_t sent_to_ = 0;            // id of the last client that got it
};

// The state of one client. It is in the clock's table for its whole lifetime.
class Listener final : public plugin::SocketHandler {
 public:
  Listener(Clock& clock, plugin::Socket& socket)
      : clock_(clock), socket_(socket), id_(clock.Add(socket)) {
    Tell();
  }
  ~Listener() override { clock_.Remove(id_); }

  void OnMessage(MessageKind, MutableBytes) override { Tell(); }

 private:
  void Tell() { socket_.Send(MessageKind::kText, AsBytes(clock_.Now())); }

  Clock& clock_;
  plugin::Socket& socket_;
  const std::uint64_t id_;
};

std::unique_ptr<http::ExchangeHandler> Clock::OnRequest(http::Exchange& exchange) {
  const std::string& method = exchange.request().method;
  http::Response response;
  if (method == "GET" || method == "HEAD") {
    response.headers.Add("Content-Type", "text/plain");
    response.headers.Add("Cache-Control", "no-store");
    response.body = Now() + "\n";
  } else {
    response = http::TextResponse(405, "the time is read with GET");
    response.headers.Add("Allow", "GET, HEAD");
  }
  exchange.Respond(std::move(response));
  return nullptr;  // answered
}

std::unique_ptr<plugin::SocketHandler> Clock::OnSocket(plugin::Socket& socket) {
  return std::make_unique<Listener>(*this, socket);
}

void Clock::OnTimer(io::Timer&) {
  timer_.Arm(interval_);
  if (tick_) return;  // the previous tick has not reached all clients yet
  tick_.emplace(MessageKind::kText, AsBytes(Now()));
  sent_to_ = 0;
  SendSome();
}

// All clients share one encoded message. Clients may come and go between turns, so the position is
// stored as an id.
void Clock::SendSome() {
  auto next = sockets_.upper_bound(sent_to_);
  for (int left = kSendsPerTurn; next != sockets_.end() && left > 0; ++next, --left) {
    sent_to_ = next->first;
    if (!next->second->congested()) next->second->Send(*tick_);
  }
  if (next != sockets_.end()) return loop_.turn.Continue(*this);
  tick_.reset();
}

// The service as configured by one route. Created once and shared by all loops.
class ClockService final : public plugin::Service {
 public:
  explicit ClockService(io::Millis interval) : interval_(interval) {}

  bool serves_http() const override { return true; }
  bool serves_websocket() const override { return true; }
  std::unique_ptr<plugin::Instance> Start(plugin::Host& host) const override {
    return std::make_unique<Clock>(host, interval_);
  }

 private:
  const io::Millis interval_;
};

}  // namespace

std::unique_ptr<plugin::Service> MakeClock(plugin::ServiceSetup setup) {
  const config::Range<config::Millis> range{100ms, 1h};
  const config::Millis interval = setup.options["interval"].Optional(config::Millis(1s), range);
  setup.options.RejectUnknownKeys();
  return std::make_unique<ClockService>(interval);
}

}  // namespace upgate::examples
