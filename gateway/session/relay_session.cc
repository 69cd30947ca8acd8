#include "gateway/session/relay_session.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "gateway/session/counted_stream.h"

namespace upgate::session {
namespace {

namespace code = ws::close_code;

// Up to this size, in bytes, messages are assembled for a side with compression, whatever the
// configured limit.
constexpr std::uint64_t kMostWhole = 1024 * 1024;

}  // namespace

RelaySession::RelaySession(Context& context, Facts facts, Peer client, Peer server,
                           std::string server_early, stats::RouteStats& route_stats,
                           stats::ServerStats& server_stats, Session::Owner& owner)
    : Session(std::move(facts), context.loop.memory, owner),
      client_(*this, ws::Role::kServer, context, std::move(client), this->facts().route->limits,
              route_stats),
      server_(*this, ws::Role::kClient, context,
              {std::make_unique<CountedStream>(std::move(server.stream), server_stats),
               std::move(server.compression)},
              this->facts().route->limits, server_stats),
      server_early_(std::move(server_early)) {
  server_stats.bytes_received.Add(server_early_.size());
}

void RelaySession::Start(std::string client_early) {
  client_.endpoint.Start();
  server_.endpoint.Start();
  client_.endpoint.ReadEarly(std::move(client_early));
  server_.endpoint.ReadEarly(std::exchange(server_early_, {}));
}

// ---- memory

std::size_t RelaySession::held_bytes() const {
  return client_.endpoint.held_bytes() + client_.charge.bytes() + server_.endpoint.held_bytes() +
         server_.charge.bytes();
}

void RelaySession::HoldBack(bool wait) {
  client_.endpoint.HoldBack(wait);
  server_.endpoint.HoldBack(wait);
}

void RelaySession::DropInput() {
  for (Side* side : {&client_, &server_}) {
    side->assembler = {};
    side->charge.Set(0);
  }
}

// ---- messages

void RelaySession::OnPart(Side& from, const ws::FramePart& part) {
  Side& to = Other(from);
  if (!to.endpoint.sending()) return Discard(from, part.payload.size());
  if (to.endpoint.compresses() && !SendsInPieces(from, part)) {
    const auto message = from.assembler.Add(part);
    from.charge.Set(from.assembler.held_bytes());
    if (!message) return;
    to.endpoint.Flush();  // earlier parts that were sent in pieces
    return to.endpoint.Send(message->opcode, message->payload);
  }
  from.message_bytes += part.payload.size();
  to.endpoint.SendPart(part, from.message_bytes);
  if (!part.message_end) return;
  from.message_bytes = 0;
  from.in_pieces = false;
}

// A server's messages may be unlimited in size, but no more of them is buffered than of a client's:
// larger ones are sent in pieces, uncompressed.
bool RelaySession::SendsInPieces(Side& from, const ws::FramePart& part) {
  const std::size_t kept = from.assembler.buffered();
  if (from.in_pieces || (kept == 0 && part.message_end)) return from.in_pieces;
  if (kept + part.payload.size() <= std::max(kMostWhole, facts().route->limits.message_size))
    return false;
  from.in_pieces = true;
  std::vector<std::byte> begun = from.assembler.TakeBuffered();
  from.charge.Set(0);
  from.message_bytes = begun.size();
  if (begun.empty()) return true;
  Endpoint& to = Other(from).endpoint;
  to.SendPart({.opcode = part.opcode, .message_begin = true, .payload = begun}, begun.size());
  to.Flush();
  return true;
}

// Only the answer to our Close is expected from a server whose client is gone. If it sends much
// else, it is not read any more, and is dropped at the timeout.
void RelaySession::Discard(Side& from, std::size_t bytes) {
  if (&from == &client_ || !client_.done) return;
  from.discarded += bytes;
  if (from.discarded >= kMaxDiscard) from.endpoint.PauseReading(PauseReason::kFarEndFull);
}

void RelaySession::OnReadDone(Side& from) {
  Side& to = Other(from);
  to.endpoint.Flush();
  if (to.endpoint.sending() && to.endpoint.congested())
    from.endpoint.PauseReading(PauseReason::kFarEndFull);
}

// ---- closing

void RelaySession::OnPeerClosing(Side& from, PeerEnd end, std::string_view reason) {
  Side& to = Other(from);
  // Everything that it sent has been passed on. The other peer is read again, for its answer to the
  // Close.
  to.endpoint.ResumeReading(PauseReason::kFarEndFull);
  if (end == PeerEnd::kClosed || end == PeerEnd::kAnswered) return PassClose(from, reason);
  TellOfLoss(from, end, reason);
}

// Passes a Close on, or answers the other peer's Close with it.
void RelaySession::PassClose(Side& from, std::string_view reason) {
  Side& to = Other(from);
  const Closer closer = &from == &client_ ? Closer::kClient : Closer::kServer;
  const std::string_view plain =
      closer == Closer::kClient ? "closed by the client" : "closed by the server";
  // If both peers sent a Close at the same time, each has got its answer.
  const bool crossed = from.endpoint.peer_closed() && to.endpoint.peer_closed();
  std::uint16_t passed = from.endpoint.peer_code();
  if (&to == &client_ && passed != code::kNoStatus)
    passed = ws::CodeForClient(passed, to.endpoint.peer_code());
  to.endpoint.Close(passed, reason, closer, reason.empty() ? plain : reason);
  if (crossed) from.endpoint.Close(to.endpoint.peer_code(), "", closer, plain);
}

void RelaySession::TellOfLoss(Side& lost, PeerEnd end, std::string_view why) {
  Side& to = Other(lost);
  // A peer that has sent a Close gets the answer to it.
  if (to.endpoint.peer_closed())
    return to.endpoint.Close(to.endpoint.peer_code(), "", Closer::kGateway, why);
  if (&to == &server_)
    return to.endpoint.Close(code::kGoingAway, "the client is gone", Closer::kClient, why);
  if (end == PeerEnd::kFault) {
    const ws::Close told = FaultOfServer(lost.endpoint.ending().code, why);
    return to.endpoint.Close(told.code, told.reason, Closer::kGateway, FromServer(why));
  }
  to.endpoint.Close(code::kInternalError, "the server's connection broke", Closer::kServer, why);
}

void RelaySession::End(std::uint16_t close_code, std::string_view reason) {
  client_.endpoint.Close(close_code, reason, Closer::kGateway, reason);
  server_.endpoint.Close(close_code, reason, Closer::kGateway, reason);
}

void RelaySession::Abort() {
  client_.endpoint.Abort("aborted by the shutdown");
  server_.endpoint.Abort("aborted by the shutdown");
}

void RelaySession::OnPeerDone(Side& side) {
  side.done = true;
  if (client_.done && server_.done) owner_.OnSessionDone(*this);
}

}  // namespace upgate::session
