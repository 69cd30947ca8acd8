#include "gateway/ws/frame_walker.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/cases.h"
#include "tests/support/ws_client.h"

namespace upgate::ws {
namespace {

struct Outcome {
  FrameTally tally;
  std::vector<std::uint64_t> messages;
  std::string passed;
  int answers = 0;
  const ProtocolError* error = nullptr;
};

Outcome WalkInChunks(FrameWalker& walker, std::string_view bytes, std::size_t chunk,
                     const PingPayload* ping = nullptr) {
  Outcome outcome;
  if (ping != nullptr) walker.AwaitAnswersTo(*ping);
  while (!bytes.empty() && outcome.error == nullptr) {
    const std::string_view piece = bytes.substr(0, chunk);
    const auto walked = walker.Walk(AsBytes(piece), outcome.tally,
                                    [&](std::uint64_t size) { outcome.messages.push_back(size); });
    outcome.passed += AsText(walked.kept());
    outcome.passed += piece.substr(0, walked.passed);
    outcome.error = walked.error;
    outcome.answers += walked.answered;
    bytes.remove_prefix(walked.answered ? walked.rest : piece.size());
  }
  return outcome;
}

class FrameWalkerTest : public TestOfCase<std::size_t> {};
INSTANTIATE_CASES(BytesPerRead, FrameWalkerTest, 1, 2, 3, 7, 4096);

TEST_EACH(FrameWalkerTest, CountsWhatPassesByAndChangesNothing) {
  FrameWalker walker(Role::kServer, 1 << 20);
  const std::string bytes = test::TextFrame("hello") + test::PingFrame("p") +
                            test::Fragmented(test::kBinary, std::string(1000, 'x'), 300) +
                            test::PongFrame() + test::BinaryFrame("") +
                            test::BinaryFrame(std::string(70000, 'y'));
  const Outcome outcome = WalkInChunks(walker, bytes, GetParam());
  EXPECT_EQ(outcome.error, nullptr);
  EXPECT_EQ(outcome.passed, bytes);
  EXPECT_EQ(outcome.tally.text_messages, 1u);
  EXPECT_EQ(outcome.tally.binary_messages, 3u);
  EXPECT_EQ(outcome.tally.frames, 7u);
  EXPECT_EQ(outcome.tally.bytes, 5u + 1000u + 70000u);
  EXPECT_EQ(outcome.tally.pings, 1u);
  EXPECT_EQ(outcome.tally.pongs, 1u);
  EXPECT_EQ(outcome.messages, (std::vector<std::uint64_t>{5, 1000, 0, 70000}));
  EXPECT_EQ(walker.frame_left(), 0u);
  EXPECT_EQ(walker.close(), nullptr);
}

TEST_EACH(FrameWalkerTest, EndsAfterTheFirstClose) {
  FrameWalker walker(Role::kServer, 100);
  const std::string close = test::CloseFrame(3001, "first");
  const Outcome outcome = WalkInChunks(
      walker, close + "\xff\xff garbage" + test::CloseFrame(1000, "second"), GetParam());
  EXPECT_EQ(outcome.error, nullptr);
  EXPECT_EQ(outcome.passed, close);
  EXPECT_EQ(outcome.tally.closes, 1u);
  ASSERT_NE(walker.close(), nullptr);
  EXPECT_EQ(walker.close()->code, 3001);
  EXPECT_EQ(walker.close()->reason, "first");
}

TEST_EACH(FrameWalkerTest, KeepsTheCloseOfAServer) {
  const std::string before = test::ServerFrame(test::kText, "last words");
  for (const std::string& body :
       {std::string(), test::CloseBody(3001, "bye"), std::string("\x03"),
        test::CloseBody(1005, std::string(123, 'x')), std::string("\x03\xe8\xff")}) {
    const std::string close = test::ServerFrame(test::kClose, body);
    FrameWalker walker(Role::kClient, 100);
    const std::string wire = before + close + "garbage";
    for (std::size_t cut = before.size(); cut < before.size() + close.size(); ++cut) {
      FrameWalker part(Role::kClient, 100);
      EXPECT_EQ(WalkInChunks(part, wire.substr(0, cut), GetParam()).passed, before);
      EXPECT_EQ(part.frame_left(), 0u);
      EXPECT_EQ(part.close(), nullptr);
    }
    const Outcome outcome = WalkInChunks(walker, wire, GetParam());
    EXPECT_EQ(outcome.error, nullptr);
    EXPECT_EQ(outcome.passed, before);
    EXPECT_EQ(outcome.tally.closes, 1u);
    ASSERT_NE(walker.close(), nullptr);
    EXPECT_EQ(AsText(walker.kept_close().view()), close);
    const auto parsed = ParseClose(AsBytes(body));
    EXPECT_EQ(walker.close()->code, parsed ? parsed->code : parsed.error().close_code);
  }
  // A longer form of the length, which RFC 6455, section 5.2, does not allow.
  FrameWalker long_form(Role::kClient, 100);
  WalkInChunks(long_form, std::string("\x88\x7e\x00\x02\x03\xe8", 6), GetParam());
  ASSERT_NE(long_form.close(), nullptr);
  EXPECT_EQ(AsText(long_form.kept_close().view()),
            test::ServerFrame(test::kClose, test::CloseBody(1000)));
}

TEST_EACH(FrameWalkerTest, AnErrorPassesOnWhatStandsBeforeIt) {
  const std::string good = test::TextFrame("good");
  for (const auto& [bad, code] : std::vector<std::pair<std::string, int>>{
           {test::ServerFrame(test::kText, "x"), 1002},
           {test::BinaryFrame(std::string(101, 'x')), 1009},
           {test::Frame(test::kPing, "", {.claimed_length = 126}), 1002},
           {test::Frame(test::kText, "", {.claimed_length = ~0ull}), 1002},
       }) {
    FrameWalker walker(Role::kServer, 100);
    const Outcome outcome = WalkInChunks(walker, good + bad, GetParam());
    ASSERT_NE(outcome.error, nullptr);
    EXPECT_EQ(outcome.error->close_code, code);
    EXPECT_EQ(outcome.passed, good);
    EXPECT_EQ(walker.frame_left(), 0u);
  }
}

// So that a frame of the gateway never interrupts a frame header.
TEST_EACH(FrameWalkerTest, TheBeginningOfAHeaderWaitsForItsRest) {
  const std::string first = test::TextFrame("first");
  const std::string second = test::BinaryFrame(std::string(70000, 'x'));
  for (std::size_t cut = 1; cut < 14; ++cut) {
    FrameWalker walker(Role::kServer, 1 << 20);
    const Outcome before = WalkInChunks(walker, first + second.substr(0, cut), GetParam());
    EXPECT_EQ(before.passed, first);
    EXPECT_EQ(walker.frame_left(), 0u);
    EXPECT_EQ(WalkInChunks(walker, second.substr(cut, 14 - cut), GetParam()).passed,
              second.substr(0, 14));
    EXPECT_EQ(walker.frame_left(), 70000u);
  }
}

TEST_EACH(FrameWalkerTest, TheLimitIsOfTheWholeMessage) {
  FrameWalker walker(Role::kServer, 100);
  EXPECT_EQ(
      WalkInChunks(walker, test::Fragmented(test::kText, std::string(100, 'x'), 30), GetParam())
          .error,
      nullptr);
  const Outcome over =
      WalkInChunks(walker, test::Fragmented(test::kText, std::string(101, 'x'), 30), GetParam());
  ASSERT_NE(over.error, nullptr);
  EXPECT_EQ(over.error->close_code, 1009);
  EXPECT_EQ(ReasonOf(walker.WithSizes(*over.error)),
            "the message is too big: at least 101 bytes, the limit is 100");
}

TEST_EACH(FrameWalkerTest, OnlyAnswersToOurPingsAreLeftOut) {
  PingPayload ping;
  const std::string ours = "\x01\xffour8\x7f\x80";
  std::ranges::copy(AsBytes(ours), ping.begin());
  const std::string answer = test::PongFrame(ours);
  // Another length form, a reserved bit, a fragment: not an answer to a ping.
  const std::string long_form =
      test::Frame(test::kPong, ours, {.length_form = test::LengthForm::k16});
  const std::string reserved = test::Frame(test::kPong, ours, {.rsv = 2});
  const std::string part = test::Frame(test::kPong, ours, {.fin = false});
  std::string theirs = ours;
  theirs.back() ^= 1;
  const std::string first = test::TextFrame("first");
  const std::string others = test::PongFrame(theirs) + test::PongFrame("") +
                             test::PongFrame(ours + "x") + test::PongFrame(ours.substr(1)) +
                             test::PingFrame(ours) + test::BinaryFrame(ours) + long_form +
                             reserved + part + test::PongFrame("other 8b");
  const std::string message = test::Fragmented(test::kText, "in the middle of it", 5);
  const std::size_t cut = test::Frame(test::kText, "12345", {.fin = false}).size();

  FrameWalker walker(Role::kServer, 1 << 20);
  const Outcome outcome =
      WalkInChunks(walker,
                   answer + first + answer + answer + others + answer + message.substr(0, cut) +
                       answer + message.substr(cut) + answer,
                   GetParam(), &ping);
  EXPECT_EQ(outcome.error, nullptr);
  EXPECT_EQ(outcome.passed, first + others + message);
  EXPECT_EQ(outcome.answers, 6);
  EXPECT_EQ(outcome.tally.pongs, 6u + 8);
  EXPECT_EQ(outcome.messages, (std::vector<std::uint64_t>{5, 8, 19}));
  // Without a ping of ours, it is an ordinary pong.
  FrameWalker unpinged(Role::kServer, 1 << 20);
  EXPECT_EQ(WalkInChunks(unpinged, answer + first, GetParam()).passed, answer + first);
  // Pongs of a server do not answer a ping of ours.
  FrameWalker from_server(Role::kClient, 1 << 20);
  const std::string pong = test::ServerFrame(test::kPong, ours);
  EXPECT_EQ(WalkInChunks(from_server, pong, GetParam(), &ping).passed, pong);
}

TEST_EACH(FrameWalkerTest, ReservedBitsAreTheEndsBusiness) {
  FrameWalker walker(Role::kServer, 100);
  EXPECT_EQ(
      WalkInChunks(walker, test::Frame(test::kText, "compressed", {.rsv = 4}), GetParam()).error,
      nullptr);
}

}  // namespace
}  // namespace upgate::ws
