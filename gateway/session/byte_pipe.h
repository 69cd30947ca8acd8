#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/io/stream.h"
#include "gateway/io/timers.h"
#include "gateway/session/context.h"
#include "gateway/session/ending.h"
#include "gateway/session/flow_limit.h"
#include "gateway/session/read_gate.h"
#include "gateway/session/session.h"
#include "gateway/stats/stats.h"

namespace upgate::session {

// A session of a protocol that the gateway does not know, after an HTTP upgrade: what one end sends
// passes to the other unchanged, and so does its end (half-close).
//
// Ends: both ends have sent their FIN; a broken end resets the other; when one end has sent its
// FIN, or the gateway ends the session, and nothing more passes within close_timeout. Of the limits
// of the route, only `bytes`, `idle`, `max_age`, `close_timeout` and those on sessions apply: there
// are no messages to measure and no pings.
class BytePipe final : public Session, private io::Timer::Owner, private FlowLimit::Owner {
 public:
  // `server_early` is what the server sent behind its 101. Everything but the streams is borrowed
  // and outlives the session.
  BytePipe(Context& context, Facts facts, std::unique_ptr<io::ByteStream> client,
           std::unique_ptr<io::ByteStream> server, std::string server_early,
           stats::RouteStats& route_stats, stats::ServerStats& server_stats, Session::Owner& owner);

  void Start(std::string client_early) override;
  // The protocol has no Close that the gateway could send: both ends get a FIN.
  void End(std::uint16_t code, std::string_view reason) override;
  void Abort() override;
  std::size_t held_bytes() const override;
  void HoldBack(bool wait) override;
  const Ending& ending() const override { return *ending_; }
  const Totals& totals() const override { return totals_; }
  Vitals vitals() const override {
    return {last_active_, client_.stream->queued() + server_.stream->queued(), 0};
  }

 private:
  // One end, and the direction that comes from it.
  struct Peer final : io::StreamHandler {
    Peer(BytePipe& p, Closer w, std::unique_ptr<io::ByteStream> s)
        : pipe(p), stream(std::move(s)), who(w) {}
    void OnBytes(MutableBytes data) override { pipe.Pass(*this, data); }
    void OnEnd() override { pipe.OnEnd(*this); }
    void OnError(const Error& error) override { pipe.OnError(*this, error); }
    void OnWritable() override { pipe.OnWritable(*this); }
    void OnFlushed() override { pipe.OnFlushed(*this); }

    BytePipe& pipe;
    std::unique_ptr<io::ByteStream> stream;
    ReadGate gate;
    std::unique_ptr<FlowLimit> flow;  // nullptr: it may send as fast as it can
    Closer who;
    bool ended = false;      // its FIN was seen
    bool shut_down = false;  // it gets nothing more
    bool flushed = false;    // our FIN is out
  };

  Peer& Other(const Peer& peer) { return &peer == &client_ ? server_ : client_; }
  void Pass(Peer& from, Bytes data);
  void LimitFlow(Peer& from);
  void OnFlowAllowed(FlowLimit& flow) override;
  void OnEnd(Peer& from);
  void OnError(Peer& from, const Error& error);
  void OnWritable(Peer& drained);
  void OnFlushed(Peer& flushed);
  void OnTimer(io::Timer& timer) override;
  void ShutDown(Peer& peer);
  void Ended(std::uint16_t code, Closer closer, std::string_view why);
  void BeginClosing();
  void Watch();
  void DetachStreams();
  void FinishIfDone();
  void Finish(bool reset);

  Context& context_;
  stats::RouteStats& route_stats_;
  stats::ServerStats& server_stats_;
  Peer client_;
  Peer server_;
  Totals totals_;
  io::Instant last_active_{};
  bool closing_ = false;  // the timer bounds the end
  bool over_ = false;
  std::size_t queued_ = 0;  // while closing: when the timer was armed
  io::Timer timer_;
  std::string server_early_;
  std::optional<Ending> ending_;
};

}  // namespace upgate::session
