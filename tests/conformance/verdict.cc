#include "tests/conformance/verdict.h"

#include <algorithm>

namespace upgate::conformance {
namespace {

template <class List>
bool Begins(const List& list, const List& beginning) {
  return beginning.size() <= list.size() &&
         std::equal(beginning.begin(), beginning.end(), list.begin());
}

template <class List>
bool Fits(const List& got, const List& expected, bool whole) {
  return whole ? got == expected : Begins(expected, got);
}

std::string Count(std::string_view what, std::size_t got, std::size_t expected) {
  return std::string(what) + " differ: " + std::to_string(got) + " of " + std::to_string(expected);
}

std::string DataFault(const Received& got, const Reference& expected, FarEnd far) {
  const bool whole = far == FarEnd::kService || !expected.failed();
  if (far == FarEnd::kBytes) {
    if (!Fits(got.payload, expected.payload(), whole))
      return Count("bytes", got.payload.size(), expected.payload().size());
    for (const Message& message : got.messages) {
      if (message.opcode != kBinary || message.payload.empty())
        return "a message that is no piece of bytes";
    }
  } else if (!Fits(got.messages, expected.messages(), whole)) {
    return Count("messages", got.messages.size(), expected.messages().size());
  }
  // The gateway answers pings itself, unless it relays them.
  if (!Fits(got.pongs, expected.pings(), whole || far != FarEnd::kFrames)) {
    return Count("pongs", got.pongs.size(), expected.pings().size());
  }
  return {};
}

}  // namespace

std::string FaultOf(const Received& got, Ending ending, const Reference& expected, FarEnd far) {
  if (!got.fault.empty()) return got.fault;
  if (!got.closed) return "no Close";
  if (got.close_code != expected.close_code()) {
    return "Close " + std::to_string(got.close_code) + " (" + got.close_reason + ") instead of " +
           std::to_string(expected.close_code());
  }
  if (expected.failed() && got.close_reason.empty()) return "no reason in the Close";
  if (std::string fault = DataFault(got, expected, far); !fault.empty()) return fault;
  if (ending != Ending::kEnd)
    return ending == Ending::kOpen ? "the connection stays open" : "the connection breaks";
  return {};
}

}  // namespace upgate::conformance
