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

// A session between two WebSocket ends, of both of which the gateway is the other end: every rule
// of RFC 6455 holds for both, and each side has its own compression. Messages pass piece by piece
// as they come, each piece as a frame; to a side that compresses they go whole. Pings are answered
// here and go no further. A Close passes with its code and reason, behind all messages before it,
// and its answer goes back. Who breaks a rule gets the code for it; then a server gets 1001, and a
// client 1011, or 1009 for a message that was too large. For one that is lost without a Close it is
// 1001 and 1011.
class RelaySession final : public Session {
 public:
  // One end, and the compression agreed on with it; nullptr for none.
  struct Peer {
    std::unique_ptr<io::ByteStream> stream;
    std::unique_ptr<Compression> compression;
  };
  // `server_early` is what the server sent behind its 101. What is borrowed outlives the session.
  RelaySession(Context& context, Facts facts, Peer client, Peer server, std::string server_early,
               stats::RouteStats& route_stats, stats::ServerStats& server_stats,
               Session::Owner& owner);

  void Start(std::string client_early) override;
  void End(std::uint16_t code, std::string_view reason) override;
  void Abandon() override;
  std::size_t held_bytes() const override;
  void HoldBack(bool wait) override;
  const Ending& ending() const override { return client_.endpoint.ending(); }
  const Totals& totals() const override { return client_.endpoint.totals(); }
  Vitals vitals() const override {
    return {std::max(client_.endpoint.last_active(), server_.endpoint.last_active()),
            client_.endpoint.queued() + server_.endpoint.queued(), client_.endpoint.rtt_us()};
  }

 private:
  // One end, and the direction that comes from it.
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
    // Pings and pongs are answered on each side, and go no further.
    io::Instant OtherEndActive() const override {
      return session.Other(*this).endpoint.last_active();
    }

    RelaySession& session;
    Endpoint endpoint;
    ws::MessageAssembler assembler;   // where the other end gets whole messages
    io::MemoryCharge charge;          // of the assembler
    std::uint64_t message_bytes = 0;  // of the open message, so far
    std::size_t discarded = 0;        // of what it sent, once the other end was gone
    bool in_pieces = false;           // the open message goes on uncompressed
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
