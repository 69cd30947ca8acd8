// The PROXY header: reads of any size must not change its meaning, never consume a byte behind it
// and never keep more than its bound; what it says can be said again. Input: a seed for the reads,
// the wire.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/proxy_header.h"
#include "tests/fuzz/fuzz.h"

namespace upgate {
namespace {

using fuzz::Require;

struct Outcome {
  std::optional<ProxyHeader> header;
  std::optional<ProxyFault> fault;
  std::size_t size = 0;  // consumed
  bool operator==(const Outcome&) const = default;
};

Outcome Parse(std::string_view wire, fuzz::Cuts cuts) {
  ProxyHeaderParser parser;
  Outcome outcome;
  while (!wire.empty()) {
    const std::string_view piece = cuts.TakeFrom(wire);
    Bytes input = AsBytes(piece);
    const auto parsed = parser.Next(input);
    Require(parser.held_bytes() <= 2 * kMaxProxyHeader);
    if (!parsed) {
      outcome.size = 0;  // of no use
      outcome.fault = parsed.error().fault;
      return outcome;
    }
    outcome.size += piece.size() - input.size();
    if (*parsed) {
      outcome.header = **parsed;
      return outcome;
    }
    Require(input.empty());
  }
  return outcome;
}

// What the header says, encoded by us, says the same.
void Repeat(const ProxyHeader& header) {
  Require(header.source.has_value() == header.destination.has_value());
  ProxyFacts facts;
  facts.source = header.source;
  if (header.destination) facts.destination = *header.destination;
  const Outcome again = Parse(EncodeProxyV2(facts), fuzz::Cuts(0));
  Require(again.header == header);
  const bool has_ip = header.source && std::holds_alternative<IpPort>(*header.source);
  const Outcome text = Parse(EncodeProxyV1(facts), fuzz::Cuts(0));
  Require(text.header == (has_ip ? header : ProxyHeader{}));
}

}  // namespace
}  // namespace upgate

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace upgate;
  fuzz::Input input(data, size);
  const std::uint32_t seed = input.Byte();
  const std::string_view wire = input.Rest();
  const Outcome whole = Parse(wire, fuzz::Cuts(0));
  fuzz::Require(whole == Parse(wire, fuzz::Cuts(seed)));
  if (whole.header) {
    fuzz::Require(whole.size <= kMaxProxyHeader);
    Repeat(*whole.header);
    // A header is told from a request.
    fuzz::Require(LooksLikeProxyHeader(wire) || wire.starts_with("PROXY "));
  }
  return 0;
}
