// Every rule for frames from a client, against each kind of far end, with and without TLS, with
// every way to split the bytes: in one segment, in the segment of the handshake, byte by byte,
// split at every byte, and only up to the byte that violates a rule.
#include <algorithm>
#include <cstdlib>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/conformance/cases.h"
#include "tests/conformance/frames.h"
#include "tests/conformance/reference.h"
#include "tests/conformance/stage.h"
#include "tests/conformance/verdict.h"
#include "tests/support/cases.h"

namespace upgate::conformance {
namespace {

// A way to split the bytes of a case.
struct Way {
  std::string name;
  std::vector<std::string_view> pieces;  // each arrives at the gateway in a separate read
  bool with_handshake = false;           // the first one in the segment of the handshake
};

// Larger cases are sent in one segment, and split only around their headers.
constexpr std::size_t kSmall = 512;

bool CutsHere(std::size_t cut, std::size_t size) {
  constexpr std::size_t kFront = 24;
  constexpr std::size_t kBack = 16;
  return size <= kSmall || cut <= kFront || size - cut <= kBack;
}

// A relay looks only at complete headers.
std::size_t HeaderEnd(std::string_view sent, std::size_t begin) {
  const auto second = static_cast<unsigned char>(begin + 1 < sent.size() ? sent[begin + 1] : 0);
  const unsigned length = second & 0x7f;
  return begin + 2 + (length == 126 ? 2 : 0) + (length == 127 ? 8 : 0) + (second > 0x7f ? 4 : 0);
}

// What can differ when the bytes of a case are split.
enum class Reads { kFrames, kText };

// Whether a case is also split at every byte. Not where that repeats another setting, unless
// UPGATE_CONFORMANCE_FULL=1 is set: over TLS the splits are between records, for which neither the
// far end nor text matters; kDeflated reads clients as kEnforced does; and kFrames does not read
// text.
bool CutsAnywhere(const Setting& setting, Reads reads) {
  if (std::getenv("UPGATE_CONFORMANCE_FULL") != nullptr) return true;
  if (setting.secure) return setting.far == FarEnd::kService && reads == Reads::kFrames;
  return setting.far != FarEnd::kDeflated &&
         (setting.far != FarEnd::kFrames || reads == Reads::kFrames);
}

std::vector<Way> WaysFor(std::string_view sent, const Reference& expected, const Setting& setting,
                         Reads reads) {
  std::vector<Way> ways{{"one segment", {sent}}, {"with the handshake", {sent}, true}};
  if (expected.failed()) {
    std::size_t size = expected.taken();
    if (setting.far == FarEnd::kFrames)
      size = std::max(size, HeaderEnd(sent, expected.frame_begin()));
    ways.push_back({"up to the byte that breaks the rule", {sent.substr(0, size)}});
  }
  if (sent.size() <= kSmall) {
    Way& bytes = ways.emplace_back(Way{"byte by byte", {}});
    for (std::size_t i = 0; i < sent.size(); ++i) bytes.pieces.push_back(sent.substr(i, 1));
  }
  for (std::size_t cut = 1; cut < sent.size() && CutsAnywhere(setting, reads); ++cut) {
    if (!CutsHere(cut, sent.size())) continue;
    ways.push_back({"cut at " + std::to_string(cut), {sent.substr(0, cut), sent.substr(cut)}});
  }
  return ways;
}

// A case with its expected result.
struct Expected {
  explicit Expected(Case a_case, std::uint64_t max_message)
      : play(std::move(a_case)), reference(max_message) {
    reference.Take(play.sent);
  }
  Case play;
  Reference reference;
};

struct Played {
  const Expected* expected;
  Way way;
  std::unique_ptr<Connection> client = nullptr;
};

class EndpointTest : public TestOfCase<Setting> {
 protected:
  void PlayAll(const std::vector<Case>& cases, Reads reads = Reads::kFrames,
               std::string_view in_front = "", std::uint64_t max_message = 17 << 20) {
    in_front_ = in_front;
    std::list<Expected> expected;
    std::vector<Played> all;
    for (const Case& play : cases) {
      const Expected& one = expected.emplace_back(play, max_message);
      const Reference& reference = one.reference;
      ASSERT_TRUE(reference.failed() || reference.closed()) << play.name;
      ASSERT_EQ(reference.close_code(), play.close)
          << play.name << ": the suite's own table and reference differ";
      for (Way& way : WaysFor(one.play.sent, reference, GetParam(), reads))
        all.push_back({&one, std::move(way)});
    }
    // Groups those with a similar number of pieces.
    std::ranges::stable_sort(all, {}, [](const Played& p) { return p.way.pieces.size(); });
    constexpr std::size_t kAtOnce = 100;
    for (std::span<Played> rest = all; !rest.empty();) {
      const auto batch = rest.first(std::min(rest.size(), kAtOnce));
      PlayBatch(batch);
      rest = rest.subspan(batch.size());
    }
  }

 private:
  // The cheapest connections for those that are many: all but one of each case.
  static std::unique_ptr<Connection> Connect(const Way& way) {
    const RunningGateway& gateway = Stage::Get().gateway();
    const bool secure = GetParam().secure;
    const bool cheap = way.pieces.size() > 1 || way.with_handshake;
    if (!secure && cheap) return std::make_unique<Connection>(gateway.unix_socket());
    const Transport secured = cheap ? Transport::kShortTls : Transport::kTls;
    const Transport transport = secure ? secured : Transport::kPlain;
    return std::make_unique<Connection>(gateway.port(secure), transport);
  }

  // All in parallel, each on its own connection, so that the gateway and the suite rarely wait for
  // each other.
  void PlayBatch(std::span<Played> batch) {
    const std::string handshake = HandshakeFor(PathOf(GetParam().far, in_front_));
    for (Played& p : batch) {
      p.client = Connect(p.way);
      p.client->Send(p.way.with_handshake ? handshake + std::string(p.way.pieces[0]) : handshake);
    }
    for (Played& p : batch) TakeAccepted(*p.client);
    for (std::size_t piece = 0; piece < batch.back().way.pieces.size(); ++piece) {
      for (Played& p : batch) {
        if (piece < p.way.pieces.size() && !p.way.with_handshake)
          p.client->Send(p.way.pieces[piece]);
      }
      for (Played& p : batch) {
        if (piece + 1 < p.way.pieces.size()) p.client->WaitUntilRead();
      }
    }
    for (Played& p : batch) ExpectVerdict(p);
  }

  void ExpectVerdict(Played& p) const {
    const Ending ending = p.client->ReadToEnd();
    const std::string fault =
        FaultOf(ReadServer(p.client->received()), ending, p.expected->reference, GetParam().far);
    EXPECT_TRUE(fault.empty()) << p.expected->play.name << ", " << p.way.name << ": " << fault;
    p.client.reset();
  }

  std::string_view in_front_;
};

TEST_EACH(EndpointTest, Framing) {
  PlayAll(FramingCases());
}
TEST_EACH(EndpointTest, ReservedBits) {
  PlayAll(ReservedBitCases());
}
TEST_EACH(EndpointTest, Opcodes) {
  PlayAll(OpcodeCases());
}
TEST_EACH(EndpointTest, Pings) {
  PlayAll(PingCases());
}
TEST_EACH(EndpointTest, Fragments) {
  PlayAll(FragmentCases());
}
TEST_EACH(EndpointTest, Utf8) {
  PlayAll(Utf8Cases(), Reads::kText);
}
TEST_EACH(EndpointTest, Close) {
  PlayAll(CloseCases());
}
TEST_EACH(EndpointTest, SizeLimit) {
  PlayAll(SizeLimitCases(), Reads::kFrames, "/small", kSmallMessage);
}

INSTANTIATE_CASES_IN(Everywhere, EndpointTest, NameOfSetting, Settings());

}  // namespace
}  // namespace upgate::conformance
