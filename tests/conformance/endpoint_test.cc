// Every rule for frames from a client, against each kind of far end, plain and over TLS, however
// the bytes come: in one segment, behind the handshake in one segment, byte by byte, cut at every
// byte, and only up to the byte that breaks a rule.
#include <algorithm>
#include <cstdlib>
#include <ostream>
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

namespace upgate::conformance {
namespace {

struct Setting {
  FarEnd far;
  bool secure;
  std::string_view in_front = "";
  std::uint64_t max_message = 17 << 20;
};

struct Played {
  Case play;
  Setting setting;
};

std::ostream& operator<<(std::ostream& out, const Played& played) {
  return out << played.play.name;
}

// Larger cases are played in one segment and cut around their headers only.
constexpr std::size_t kSmall = 1024;

class EndpointTest : public testing::TestWithParam<Played> {
 protected:
  const Case& play() const { return GetParam().play; }
  const Setting& setting() const { return GetParam().setting; }
  std::unique_ptr<Connection> Open() const {
    return OpenClient(setting().far, setting().secure, setting().in_front);
  }

  void ExpectVerdict(Connection& client, std::string_view how) const {
    const Ending ending = client.ReadToEnd();
    const std::string fault =
        FaultOf(ReadServer(client.received()), ending, expected_, setting().far);
    EXPECT_TRUE(fault.empty()) << how << ": " << fault;
  }

  void SetUp() override {
    expected_.Take(play().sent);
    ASSERT_EQ(expected_.close_code(), play().close) << "the suite's own table and reference differ";
    ASSERT_TRUE(expected_.failed() || expected_.closed());
  }

  Reference expected_{GetParam().setting.max_message};
};

std::vector<std::size_t> CutsOf(std::size_t size) {
  constexpr std::size_t kFront = 24;
  constexpr std::size_t kBack = 16;
  std::vector<std::size_t> cuts;
  for (std::size_t cut = 1; cut < size; ++cut) {
    if (size <= kSmall || cut <= kFront || size - cut <= kBack) cuts.push_back(cut);
  }
  return cuts;
}

TEST_P(EndpointTest, InOneSegment) {
  const auto client = Open();
  client->Send(play().sent);
  ExpectVerdict(*client, "one segment");
}

TEST_P(EndpointTest, InOneSegmentWithTheHandshake) {
  Connection client(Stage::Get().gateway().port(setting().secure), setting().secure);
  client.Send(HandshakeFor(PathOf(setting().far, setting().in_front)) + play().sent);
  TakeAccepted(client);
  ExpectVerdict(client, "with the handshake");
}

TEST_P(EndpointTest, ByteByByte) {
  if (play().sent.size() > kSmall) return;
  const auto client = Open();
  for (const char byte : play().sent) {
    client->Send({&byte, 1});
    client->WaitUntilRead();
  }
  ExpectVerdict(*client, "byte by byte");
}

// Over TLS a cut is one between two records, which the service alone shows as well;
// UPGATE_CONFORMANCE_FULL=1 asks for all.
bool SkipsCuts(const Setting& setting) {
  return setting.secure && setting.far != FarEnd::kService &&
         std::getenv("UPGATE_CONFORMANCE_FULL") == nullptr;
}

TEST_P(EndpointTest, CutAtEveryByte) {
  if (SkipsCuts(setting())) return;
  const std::string_view sent = play().sent;
  for (const std::size_t cut : CutsOf(sent.size())) {
    const auto client = Open();
    client->Send(sent.substr(0, cut));
    client->WaitUntilRead();
    client->Send(sent.substr(cut));
    ExpectVerdict(*client, "cut at " + std::to_string(cut));
  }
}

// A relay looks at whole headers only.
std::size_t HeaderEnd(std::string_view sent, std::size_t begin) {
  const auto second = static_cast<unsigned char>(begin + 1 < sent.size() ? sent[begin + 1] : 0);
  const unsigned length = second & 0x7f;
  return begin + 2 + (length == 126 ? 2 : 0) + (length == 127 ? 8 : 0) + (second > 0x7f ? 4 : 0);
}

TEST_P(EndpointTest, FailsAtTheByteThatBreaksTheRule) {
  if (!expected_.failed()) return;
  std::size_t size = expected_.taken();
  if (setting().far == FarEnd::kFrames)
    size = std::max(size, HeaderEnd(play().sent, expected_.frame_begin()));
  const auto client = Open();
  client->Send(std::string_view(play().sent).substr(0, size));
  ExpectVerdict(*client, "up to byte " + std::to_string(size));
}

std::vector<Played> Everywhere(const std::vector<Case>& cases, std::string_view in_front = "",
                               std::uint64_t max_message = 17 << 20) {
  std::vector<Played> all;
  for (const bool secure : {false, true}) {
    for (const FarEnd far : {FarEnd::kService, FarEnd::kBytes, FarEnd::kFrames}) {
      for (const Case& play : cases) all.push_back({play, {far, secure, in_front, max_message}});
    }
  }
  return all;
}

std::string NameOf(const testing::TestParamInfo<Played>& info) {
  const Setting& setting = info.param.setting;
  return (setting.secure ? "tls_" : "plain_") + PathOf(setting.far, "").substr(1) + "_" +
         info.param.play.name;
}

INSTANTIATE_TEST_SUITE_P(Framing, EndpointTest, testing::ValuesIn(Everywhere(FramingCases())),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(ReservedBits, EndpointTest,
                         testing::ValuesIn(Everywhere(ReservedBitCases())), NameOf);
INSTANTIATE_TEST_SUITE_P(Opcodes, EndpointTest, testing::ValuesIn(Everywhere(OpcodeCases())),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Pings, EndpointTest, testing::ValuesIn(Everywhere(PingCases())), NameOf);
INSTANTIATE_TEST_SUITE_P(Fragments, EndpointTest, testing::ValuesIn(Everywhere(FragmentCases())),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Utf8, EndpointTest, testing::ValuesIn(Everywhere(Utf8Cases())), NameOf);
INSTANTIATE_TEST_SUITE_P(Close, EndpointTest, testing::ValuesIn(Everywhere(CloseCases())), NameOf);
INSTANTIATE_TEST_SUITE_P(SizeLimit, EndpointTest,
                         testing::ValuesIn(Everywhere(SizeLimitCases(), "/small", kSmallMessage)),
                         NameOf);

}  // namespace
}  // namespace upgate::conformance
