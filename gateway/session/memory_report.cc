#include "gateway/session/memory_report.h"

#include <utility>

namespace upgate::session {

MemoryReport::MemoryReport(io::Loop loop, stats::MemoryStats& stats, Log& log,
                           std::function<bool()> trim)
    : loop_(loop), stats_(stats), log_(log), trim_(std::move(trim)) {}

void MemoryReport::OnWaiting(bool waits) {
  if (!waits) return stats_.waiting.Subtract();
  stats_.waiting.Add();
  stats_.waits.Add();
  Write(waits_, "clients held back", "");
}

void MemoryReport::OnRefused(io::MemoryRefusal refusal) {
  const auto kind = static_cast<std::size_t>(refusal);
  stats_.refusals[kind].Add();
  Write(refusals_[kind], "clients refused", stats::kMemoryRefusalNames[kind]);
}

bool MemoryReport::OnTrim() {
  return trim_();
}

void MemoryReport::Write(io::Seldom& line, std::string_view event, std::string_view kind) {
  const auto left_out = line.Due(loop_.timers.Now());
  if (!left_out) return;
  const io::MemoryTotal* total = loop_.memory.total();
  log_.Warn(event, {{"why", "too much memory is held for clients"},
                    {"kind", kind},
                    {"clients", *left_out + 1},
                    {"held", total != nullptr ? total->held() : 0},
                    {"limit", total != nullptr ? total->limit() : 0}});
}

}  // namespace upgate::session
