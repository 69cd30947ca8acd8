#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "gateway/http/exchange.h"
#include "gateway/io/later.h"
#include "gateway/io/network.h"
#include "gateway/io/stream.h"
#include "gateway/ws/hixie_codec.h"

namespace upgate::ws {

// The connection of a client that was just upgraded, as if it spoke RFC 6455 whatever its dialect
// is. `loop` outlives it.
http::Upgraded AsRfc6455(config::Dialect dialect, http::Upgraded upgraded, io::Loop loop);

// A stream whose client speaks -76 or -75 (see HixieDecoder) below, and RFC 6455 above: what is
// read are frames of a client, masked and whole; what is written are frames of a server, cut
// anywhere. It stands in for the client where that cannot speak: pings are answered at once, as the
// connection itself is kept alive by the system; a binary message to the client, or frames that
// break a rule, bring a Close with 1003 or the rule's code, as if from the client, and the client
// hears nothing but the closing handshake from then on.
//
// Nothing is queued here for the client: queued(), and with it OnDrained, are those of the stream
// below. Of what the client sent at most one read waits, translated, while reading is off, and
// meanwhile nothing is read below.
class HixieStream final : public io::ByteStream, private io::StreamHandler, private io::Later {
 public:
  // `early`: what the client sent behind its handshake. `loop` outlives the stream.
  HixieStream(std::unique_ptr<io::ByteStream> lower, config::Dialect dialect,
              std::string_view early, io::Loop loop);

  void SetHandler(io::StreamHandler* handler) override;
  void SetReading(bool on) override;
  using io::ByteStream::Write;
  void Write(std::span<const Bytes> slices) override;
  void Shutdown() override;
  void Reset() override { lower_->Reset(); }
  std::size_t queued() const override { return lower_->queued(); }
  io::Delivery delivery() const override { return lower_->delivery(); }
  std::size_t held_bytes() const override { return lower_->held_bytes() + charge_.bytes(); }
  bool HasUnread() const override { return HasMore() || lower_->HasUnread(); }
  SocketAddress local_address() const override { return lower_->local_address(); }
  SocketAddress peer_address() const override { return lower_->peer_address(); }
  const io::TlsInfo* tls() const override { return lower_->tls(); }

 private:
  enum class End : std::uint8_t { kOpen, kSeen, kTold };

  void OnBytes(MutableBytes data) override;
  void OnEnd() override;
  void OnError(const Error& error) override;
  void OnDrained() override;
  void OnFlushed() override;
  // Something is to be told without anything new from below.
  void OnLater() override;

  // Where the decoder's frames go.
  std::string& Held();
  bool HoldsFrames() const { return held_.size() > held_start_; }
  bool HasMore() const { return HoldsFrames() || pong_ || end_ == End::kSeen; }
  void Deliver();
  void DeliverHeld();
  void Steer();
  void Charge() { charge_.Set(io::HeapBytes(held_)); }

  const std::unique_ptr<io::ByteStream> lower_;
  io::StreamHandler* handler_ = nullptr;
  io::Turn& turn_;
  HixieDecoder decoder_;
  HixieEncoder encoder_;
  std::string held_;  // frames for the reader, behind headroom
  std::size_t held_start_ = 0;
  io::MemoryCharge charge_;          // of held_
  std::optional<std::string> pong_;  // for the last ping, before its answer is read
  End end_ = End::kOpen;             // of the client's side
  bool reading_ = false;
  bool delivering_ = false;
  bool output_ended_ = false;  // nothing more goes to the client
  bool shutdown_ = false;      // asked for from above
  bool flushed_ = false;       // below, before that
  bool flush_is_due_ = false;
};

}  // namespace upgate::ws
