#include "gateway/ws/hixie_stream.h"

#include <algorithm>
#include <utility>

namespace upgate::ws {

http::Upgraded AsRfc6455(config::Dialect dialect, http::Upgraded upgraded, io::Loop loop) {
  if (dialect == config::Dialect::kRfc6455 || dialect == config::Dialect::kHybi08) return upgraded;
  return {std::make_unique<HixieStream>(std::move(upgraded.stream), dialect, upgraded.early, loop),
          ""};
}

HixieStream::HixieStream(std::unique_ptr<io::ByteStream> lower, config::Dialect dialect,
                         std::string_view early, io::Loop loop)
    : lower_(std::move(lower)),
      turn_(loop.turn),
      decoder_(dialect, loop.entropy),
      encoder_(dialect),
      charge_(loop.memory) {
  if (!early.empty()) decoder_.Decode(AsBytes(early), Held());
}

void HixieStream::SetHandler(io::StreamHandler* handler) {
  handler_ = handler;
  lower_->SetHandler(handler == nullptr ? nullptr : this);
  if (handler == nullptr) SetReading(false);
}

void HixieStream::SetReading(bool on) {
  reading_ = on && handler_ != nullptr;
  if (!delivering_) UpdateReading();
}

// Held frames are delivered first; the stream below is not read until then.
void HixieStream::UpdateReading() {
  const bool more = reading_ && HasMore();
  if (flush_is_due_) {
    turn_.RunLater(*this);
  } else if (more) {
    turn_.Continue(*this);
  } else {
    Cancel();
  }
  Charge();
  lower_->SetReading(reading_ && !more);
}

// ---- from the client

std::string& HixieStream::Held() {
  if (held_.empty()) held_.assign(held_start_ = io::kReadHeadroom, '\0');
  return held_;
}

void HixieStream::OnBytes(MutableBytes data) {
  std::string& held = Held();
  held.reserve(held.size() + data.size() + 2 * kMaxHeader);
  decoder_.Decode(data, held);
  Deliver();
}

void HixieStream::OnEnd() {
  end_ = End::kSeen;
  decoder_.End(Held());
  Deliver();
}

// Delivers everything complete, in order of arrival. Calls from inside the handler only change the
// state that this loop checks.
void HixieStream::Deliver() {
  delivering_ = true;
  while (reading_ && HasMore()) {
    if (HoldsFrames()) {
      DeliverHeld();
    } else if (pong_) {
      const std::string payload = *std::exchange(pong_, {});
      if (!decoder_.closed()) decoder_.Pong(AsBytes(payload), Held());
    } else {
      end_ = End::kTold;
      handler_->OnEnd();
    }
  }
  delivering_ = false;
  if (!HoldsFrames()) std::string().swap(held_);  // swap frees the memory; assigning would not
  UpdateReading();
}

// The handler may write and make the decoder append to held_, so the frames are moved out first.
void HixieStream::DeliverHeld() {
  std::string frames = std::exchange(held_, {});
  std::size_t start = std::exchange(held_start_, 0);
  while (reading_ && start < frames.size()) {
    const MutableBytes rest = std::as_writable_bytes(std::span(frames)).subspan(start);
    const MutableBytes piece = rest.first(std::min(rest.size(), io::kReadBufferSize));
    start += piece.size();
    handler_->OnBytes(piece);
  }
  if (start == frames.size()) return;
  // Reading was turned off. Frames added meanwhile go behind the rest.
  if (HoldsFrames()) frames.append(held_, held_start_);
  held_ = std::move(frames);
  held_start_ = start;
}

void HixieStream::OnError(const Error& error) {
  Cancel();
  std::string().swap(held_);
  held_start_ = 0;
  Charge();
  pong_.reset();
  end_ = End::kTold;
  output_ended_ = true;
  if (handler_ != nullptr) handler_->OnError(error);
}

// ---- to the client

void HixieStream::Write(std::span<const Bytes> slices) {
  if (output_ended_ || shutdown_) return;
  std::string frames;
  for (const Bytes slice : slices) Append(frames, slice);
  std::string out;
  HixieEncoder::Encoded encoded = encoder_.Encode(std::as_writable_bytes(std::span(frames)), out);
  if (!out.empty()) lower_->Write(AsBytes(out));
  if (end_ != End::kTold) {
    if (encoded.ping) pong_ = std::move(encoded.ping);
    if (encoded.error != nullptr) decoder_.Close(*encoded.error, Held());
  }
  if (encoded.ended) {
    output_ended_ = true;
    if (!encoded.told) lower_->Shutdown();
  }
  if (!delivering_) UpdateReading();
}

void HixieStream::Shutdown() {
  if (std::exchange(shutdown_, true)) return;
  if (!flushed_) return lower_->Shutdown();
  flush_is_due_ = true;
  if (!delivering_) UpdateReading();
}

void HixieStream::OnWritable() {
  if (handler_ != nullptr) handler_->OnWritable();
}

void HixieStream::OnFlushed() {
  flushed_ = true;
  if (shutdown_ && handler_ != nullptr) handler_->OnFlushed();
}

void HixieStream::OnLater() {
  if (std::exchange(flush_is_due_, false) && handler_ != nullptr) handler_->OnFlushed();
  Deliver();
}

}  // namespace upgate::ws
