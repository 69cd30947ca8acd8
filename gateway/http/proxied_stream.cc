#include "gateway/http/proxied_stream.h"

#include <utility>

#include "gateway/io/network.h"

namespace upgate::http {

ProxiedStream::Reading::Reading(ProxiedStream& stream, Observer& told, io::Loop loop)
    : observer(told), timer(loop.timers, stream), charge(loop.memory) {}

ProxiedStream::ProxiedStream(std::unique_ptr<io::ByteStream> lower, io::Millis timeout,
                             io::Loop loop, Observer& observer)
    : lower_(std::move(lower)), reading_(std::make_unique<Reading>(*this, observer, loop)) {
  lower_->SetHandler(this);
  reading_->timer.Arm(timeout);
}

void ProxiedStream::SetHandler(io::StreamHandler* handler) {
  handler_ = handler;
  if (!reading_) return lower_->SetHandler(handler);
  if (handler == nullptr) SetReading(false);
}

void ProxiedStream::SetReading(bool on) {
  lower_->SetReading(on && !refused_);
}

std::size_t ProxiedStream::held_bytes() const {
  return lower_->held_bytes() + (reading_ ? reading_->charge.bytes() : 0);
}

SocketAddress ProxiedStream::local_address() const {
  return header_ ? *header_->destination : lower_->local_address();
}

SocketAddress ProxiedStream::peer_address() const {
  return header_ ? *header_->source : lower_->peer_address();
}

void ProxiedStream::OnBytes(MutableBytes data) {
  if (refused_) return;
  Bytes rest = data;
  auto parsed = reading_->parser.Next(rest);
  if (!parsed) return Refuse(parsed.error());
  if (!*parsed) return reading_->charge.Set(reading_->parser.held_bytes());
  if ((*parsed)->source) header_ = std::make_unique<ProxyHeader>(std::move(**parsed));
  if (!reading_->observer.OnProxyHeader(peer_address())) return StopReading();
  reading_.reset();
  lower_->SetHandler(handler_);
  if (rest.empty() || handler_ == nullptr) return;
  // The headroom is what was read before.
  handler_->OnBytes(data.last(rest.size()));
}

void ProxiedStream::OnEnd() {
  Refuse({ProxyFault::kGone, "the connection ended before its PROXY header"});
}

void ProxiedStream::OnError(const Error&) {
  Refuse({ProxyFault::kGone, "the connection failed before its PROXY header was complete"});
}

void ProxiedStream::OnWritable() {
  if (handler_ != nullptr && !refused_) handler_->OnWritable();
}

void ProxiedStream::OnFlushed() {
  if (handler_ != nullptr && !refused_) handler_->OnFlushed();
}

void ProxiedStream::OnTimer(io::Timer&) {
  Refuse({ProxyFault::kTimeout, "no PROXY header within http.head_timeout"});
}

void ProxiedStream::Refuse(const ProxyError& error) {
  if (refused_) return;
  StopReading();
  reading_->observer.OnProxyRefused(error);
}

void ProxiedStream::StopReading() {
  refused_ = true;
  reading_->timer.Disarm();
  lower_->SetReading(false);
}

}  // namespace upgate::http
