#include "gateway/session/compression_pool.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace upgate::session {
namespace {

// The most recently used one that fits, or nullptr.
template <class Shelf, class Fits>
auto TakeFrom(Shelf& shelf, Fits fits) {
  const auto found = std::find_if(shelf.rbegin(), shelf.rend(),
                                  [&](const auto& ready) { return fits(*ready.context); });
  if (found == shelf.rend()) return decltype(found->context){};
  auto context = std::move(found->context);
  shelf.erase(std::next(found).base());
  return context;
}

}  // namespace

CompressionPool::CompressionPool(io::Timers& timers, io::MemoryLedger& ledger, std::uint64_t memory,
                                 stats::CompressionStats& stats)
    : memory_(memory), charge_(ledger), stats_(stats), timers_(timers), timer_(timers, *this) {}

CompressionPool::~CompressionPool() {
  for (const auto& ready : deflaters_) Gone(*ready.context);
  for (const auto& ready : inflaters_) Gone(*ready.context);
}

bool CompressionPool::Reserve(std::size_t bytes) {
  if (reserved_ > memory_ || bytes > memory_ - reserved_) return false;
  reserved_ += bytes;
  stats_.reserved_bytes.Add(bytes);
  return true;
}

void CompressionPool::Release(std::size_t bytes) {
  reserved_ -= bytes;
  stats_.reserved_bytes.Subtract(bytes);
}

std::unique_ptr<ws::Deflater> CompressionPool::TakeDeflater(std::uint8_t window_bits, int level) {
  auto deflater = TakeFrom(deflaters_, [&](const auto& d) {
    return d.window_bits() == window_bits && d.level() == level;
  });
  if (deflater) return deflater;
  deflater = std::make_unique<ws::Deflater>(window_bits, level);
  Born(*deflater);
  return deflater;
}

std::unique_ptr<ws::Inflater> CompressionPool::TakeInflater(std::uint8_t window_bits) {
  auto inflater =
      TakeFrom(inflaters_, [&](const auto& i) { return i.window_bits() == window_bits; });
  if (inflater) return inflater;
  inflater = std::make_unique<ws::Inflater>(window_bits);
  Born(*inflater);
  return inflater;
}

void CompressionPool::GiveBack(std::unique_ptr<ws::Deflater> deflater) {
  Put(std::move(deflater), deflaters_);
}

void CompressionPool::GiveBack(std::unique_ptr<ws::Inflater> inflater) {
  Put(std::move(inflater), inflaters_);
}

template <class Context>
void CompressionPool::Put(std::unique_ptr<Context> context, Shelf<Context>& shelf) {
  if (shelf.size() == kMostReady) {  // drop the least recently used one
    Gone(*shelf.front().context);
    shelf.erase(shelf.begin());
  }
  context->Reset();
  shelf.push_back({std::move(context), timers_.Now()});
  if (!timer_.armed()) timer_.Arm(kReadyFor);
}

template <class Context>
void CompressionPool::Expire(Shelf<Context>& shelf) {
  const io::Instant now = timers_.Now();
  const auto fresh =
      std::ranges::find_if(shelf, [&](const auto& ready) { return now - ready.since < kReadyFor; });
  std::for_each(shelf.begin(), fresh, [&](const auto& ready) { Gone(*ready.context); });
  shelf.erase(shelf.begin(), fresh);
}

void CompressionPool::OnTimer(io::Timer&) {
  Expire(deflaters_);
  Expire(inflaters_);
  if (!deflaters_.empty() || !inflaters_.empty()) timer_.Arm(kReadyFor);
}

template <class Context>
void CompressionPool::Born(const Context& context) {
  CountOf(context).Add();
  const std::size_t bytes = Context::Memory(context.window_bits());
  stats_.memory_bytes.Add(bytes);
  charge_.Set(charge_.bytes() + bytes);
}

template <class Context>
void CompressionPool::Gone(const Context& context) {
  CountOf(context).Subtract();
  const std::size_t bytes = Context::Memory(context.window_bits());
  stats_.memory_bytes.Subtract(bytes);
  charge_.Set(charge_.bytes() - bytes);
}

}  // namespace upgate::session
