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

// Wraps the connection of a client that was just upgraded, so that it appears to speak RFC 6455
// whatever its dialect is. `loop` must outlive the result.
http::Upgraded AsRfc6455(config::Dialect dialect, http::Upgraded upgraded, io::Loop loop);

// A stream that speaks -76 or -75 to the client below (see HixieDecoder) and RFC 6455 above: reads
// return complete masked client frames; writes take server frames, split anywhere. It acts for the
// client where the dialect has no equivalent: pings are answered immediately (the system's
// keep-alive checks the connection itself); a binary message to the client, or frames that violate
// the protocol, cause a Close with 1003 or the violation's code that appears to come from the
// client, and after that the client receives nothing but the closing handshake.
//
// Nothing is queued here for the client: queued() and OnWritable are those of the stream below.
// While reading is off, at most one read from the client is held in translated form, and nothing is
// read below.
class HixieStream final : public io::ByteStream, private io::StreamHandler, private io::Later {
 public:
  // `early`: bytes already received behind the client's handshake. `loop` must outlive the stream.
  HixieStream(std::unique_ptr<io::ByteStream> lower, config::Dialect dialect,
              std::string_view early, io::Loop loop);

  void SetHandler(io::StreamHandler* handler) override;
  void SetReading(bool on) override;
  using io::ByteStream::Write;
  void Write(std::span<const Bytes> slices) override;
  void Shutdown() override;
  void Abort() override { lower_->Abort(); }
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
  void OnWritable() override;
  void OnFlushed() override;
  // Delivers what has become due without input from below.
  void OnLater() override;

  // The buffer that the decoder appends frames to.
  std::string& Held();
  bool HoldsFrames() const { return held_.size() > held_start_; }
  bool HasMore() const { return HoldsFrames() || pong_ || end_ == End::kSeen; }
  void Deliver();
  void DeliverHeld();
  void UpdateReading();
  void Charge() { charge_.Set(io::HeapBytes(held_)); }

  const std::unique_ptr<io::ByteStream> lower_;
  io::StreamHandler* handler_ = nullptr;
  io::Turn& turn_;
  HixieDecoder decoder_;
  HixieEncoder encoder_;
  std::string held_;  // frames for the handler, behind headroom
  std::size_t held_start_ = 0;
  io::MemoryCharge charge_;  // of held_
  std::optional<std::string>
      pong_;              // answers the last ping; replaced if another ping arrives first
  End end_ = End::kOpen;  // of the client's direction
  bool reading_ = false;
  bool delivering_ = false;
  bool output_ended_ = false;  // nothing more is sent to the client
  bool shutdown_ = false;      // requested from above
  bool flushed_ = false;       // below, before Shutdown was requested
  bool flush_is_due_ = false;
};

}  // namespace upgate::ws
