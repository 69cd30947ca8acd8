// The permessage-deflate engine. Compressed messages inflate to the original, with every window,
// with and without context takeover, in pieces and with output buffers of any size. Hostile input
// gives the same result in any pieces and any buffers. Input: settings, a seed for the splits, then
// messages to compress (a size each), or the payload of received messages.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/ws/deflate.h"
#include "tests/fuzz/fuzz.h"

namespace upgate::ws {
namespace {

using fuzz::Require;

// The message limit: at most this much is inflated of one input.
constexpr std::size_t kMost = 64 * 1024;

struct Inflated {
  std::string bytes;
  bool failed = false;
  bool over = false;  // kMost was reached, and the rest skipped
};

// One message, in pieces, into pieces.
void InflateMessage(Inflater& inflater, std::string_view payload, fuzz::Cuts cuts, std::size_t room,
                    Inflated& inflated) {
  std::vector<std::byte> out(room);
  bool begun = false;
  while (!begun || !payload.empty()) {
    begun = true;
    const std::string piece(payload.empty() ? payload : cuts.TakeFrom(payload));
    Bytes input = AsBytes(piece);
    for (;;) {
      const std::size_t before = input.size();
      const auto output = inflater.Inflate(input, payload.empty(), out);
      if (!output) {
        Require(output.error().close_code == 1007);
        inflated.failed = true;
        return;
      }
      Require(output->size <= out.size() && input.size() <= before);
      Append(inflated.bytes, Bytes(out).first(output->size));
      if (output->done) break;
      // Each step must make progress.
      Require(output->size > 0 || input.size() < before);
      inflated.over = inflated.bytes.size() > kMost;
      if (inflated.over) return;
    }
    Require(input.empty());
  }
}

struct Settings {
  std::uint8_t bits;
  int level;
  bool no_takeover;
  std::size_t room;  // output space of one Inflate
};

Settings TakeSettings(fuzz::Input& input) {
  const std::uint8_t first = input.Byte();
  const std::uint8_t second = input.Byte();
  const std::size_t rooms[] = {1, 7, 64, 4096};
  return {.bits = static_cast<std::uint8_t>(8 + (first & 7)),
          .level = 1 + (first >> 3) % 9,
          .no_takeover = (second & 1) != 0,
          .room = rooms[second >> 1 & 3]};
}

void RoundTrip(fuzz::Input& input, const Settings& settings, std::uint32_t cut) {
  Deflater deflater(settings.bits, settings.level);
  Inflater inflater(settings.bits);
  std::size_t sent = 0;
  while (!input.empty() && sent < kMost) {
    const std::size_t size = input.Byte() * std::size_t{input.Byte()} % 1024;
    // Repeated, so that the window contains matches.
    std::string message(input.Take(size));
    const std::size_t times = 1 + input.Choose(12);
    for (std::size_t i = 1; i < times && message.size() < 8 * 1024; ++i) message += message;
    sent += message.size();
    std::string compressed;
    deflater.Deflate(AsBytes(message), compressed);
    Require(!compressed.empty());
    Inflated inflated;
    InflateMessage(inflater, compressed, fuzz::Cuts(cut), settings.room, inflated);
    Require(!inflated.failed && inflated.bytes == message);
    if (!settings.no_takeover) continue;
    deflater.Reset();
    inflater.Reset();
  }
}

Inflated Attack(fuzz::Input input, const Settings& settings, fuzz::Cuts cuts, std::size_t room) {
  Inflated inflated;
  Inflater inflater(settings.bits);
  while (!input.empty() && !inflated.failed && !inflated.over) {
    const std::size_t size = input.Byte() * std::size_t{4};
    InflateMessage(inflater, input.Take(size), cuts, room, inflated);
    if (settings.no_takeover) inflater.Reset();
  }
  return inflated;
}

void CompareAttacks(const fuzz::Input& input, const Settings& settings, std::uint32_t cut) {
  const Inflated whole = Attack(input, settings, fuzz::Cuts(0), 64 * 1024);
  const Inflated pieces = Attack(input, settings, fuzz::Cuts(cut), settings.room);
  Require(whole.bytes.size() <= kMost + 64 * 1024 && pieces.bytes.size() <= kMost + settings.room);
  Require(whole.bytes.starts_with(pieces.bytes) || pieces.bytes.starts_with(whole.bytes));
  // Beyond the limit, the one with less room may stop before it finds an error.
  if (whole.over || pieces.over) return;
  if (whole.failed == pieces.failed) return Require(whole.failed || whole.bytes == pieces.bytes);
  // With more room, more data beyond the window is available to back references. Nothing else may
  // differ.
  Settings widest = settings;
  widest.bits = 15;
  Require(settings.bits < 15 && !Attack(input, widest, fuzz::Cuts(0), 64 * 1024).failed);
}

}  // namespace
}  // namespace upgate::ws

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace upgate;
  fuzz::Input input(data, size);
  const bool attack = input.Flag();
  const ws::Settings settings = ws::TakeSettings(input);
  const std::uint32_t cut = input.Byte() + 1u;
  if (attack) {
    ws::CompareAttacks(input, settings, cut);
  } else {
    ws::RoundTrip(input, settings, cut);
  }
  return 0;
}
