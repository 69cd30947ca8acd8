#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/io/stream.h"
#include "gateway/session/compression.h"
#include "gateway/session/context.h"
#include "gateway/session/endpoint.h"
#include "gateway/session/session.h"
#include "gateway/stats/stats.h"
#include "gateway/ws/message_assembler.h"

namespace upgate::session {

// The session of a route with `enforce`, between a WebSocket client and a WebSocket server: the
// gateway is an endpoint towards both, so that every rule of RFC 6455 is enforced on both sides,
// and each side has its own compression. Messages are passed on piece by piece, each piece as a
// frame; to a side with compression, as whole messages. Pings are answered by the gateway and not
// passed on. A Close is passed on with its code and reason, after all earlier messages, and so is
// its answer.
//
// A peer that violates the protocol gets a Close with the matching code. The other peer then gets
// 1001 if it is the server, and 1011 if it is the client (1009 for a message that was too large).
// If a peer is lost without a Close, the other gets 1001 or 1011 in the same way.
class RelaySession final : public Session {
 public:
  // One peer's stream, and the compression negotiated with it; nullptr for none.
  struct Peer {
    std::unique_ptr<io::ByteStream> stream;
    std::unique_ptr<Compression> compression;
  };
  // `server_early` is what the server sent after its 101. What is borrowed outlives the session.
  RelaySession(Context& context, Facts facts, Peer client, Peer server, std::string server_early,
               stats::RouteStats& route_stats, stats::ServerStats& server_stats,
               Session::Owner& owner);

  void Start(std::string client_early) override;
  void End(std::uint16_t code, std::string_view reason) override;
  void Abort() override;
  std::size_t held_bytes() const override;
  void HoldBack(bool wait) override;
  const Ending& ending() const override { return client_.endpoint.ending(); }
  const Totals& totals() const override { return client_.endpoint.totals(); }
  Vitals vitals() const override {
    return {std::max(client_.endpoint.last_active(), server_.endpoint.last_active()),
            client_.endpoint.queued() + server_.endpoint.queued(), client_.endpoint.rtt_us()};
  }

 private:
  // One peer, and the direction from it.
  struct Side final : Endpoint::Owner {
    Side(RelaySession& s, ws::Role role, Context& context, Peer peer,
         const config::RouteLimits& limits, stats::BothWays& stats)
        : session(s),
          endpoint(role, context, std::move(peer.stream), std::move(peer.compression), limits,
                   stats, *this),
          charge(context.loop.memory) {}
    void OnPart(const ws::FramePart& part) override { session.OnPart(*this, part); }
    void OnReadDone() override { session.OnReadDone(*this); }
    void OnPeerClosing(PeerEnd end, std::string_view reason) override {
      session.OnPeerClosing(*this, end, reason);
    }
    void OnPeerDrained() override {
      session.Other(*this).endpoint.ResumeReading(PauseReason::kFarEndFull);
    }
    void OnPeerDone() override { session.OnPeerDone(*this); }
    // Pings are answered on each side and not passed on, so each endpoint must ask for the other's
    // activity.
    io::Instant OtherEndActive() const override {
      return session.Other(*this).endpoint.last_active();
    }

    RelaySession& session;
    Endpoint endpoint;
    ws::MessageAssembler assembler;   // if the other peer gets whole messages
    io::MemoryCharge charge;          // for the assembler
    std::uint64_t message_bytes = 0;  // size of the open message so far
    std::size_t discarded = 0;        // bytes dropped since the other peer is gone
    bool in_pieces = false;           // the open message is passed on in pieces, uncompressed
    bool done = false;
  };

  Side& Other(const Side& side) { return &side == &client_ ? server_ : client_; }
  void OnPart(Side& from, const ws::FramePart& part);
  bool SendsInPieces(Side& from, const ws::FramePart& part);
  void Discard(Side& from, std::size_t bytes);
  void OnReadDone(Side& from);
  void OnPeerClosing(Side& from, PeerEnd end, std::string_view reason);
  void PassClose(Side& from, std::string_view reason);
  void TellOfLoss(Side& lost, PeerEnd end, std::string_view why);
  void OnPeerDone(Side& side);
  void DropInput() override;

  Side client_;
  Side server_;
  std::string server_early_;
};

}  // namespace upgate::session
