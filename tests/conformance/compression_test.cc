// permessage-deflate at the gateway: responses to offers, messages of every size with every set of
// parameters, and the rules for compressed frames. RFC 7692.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/conformance/cases.h"
#include "tests/conformance/deflate.h"
#include "tests/conformance/frames.h"
#include "tests/conformance/stage.h"
#include "tests/support/cases.h"

namespace upgate::conformance {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// The gateway's Sec-WebSocket-Extensions by parameter; nothing if the field is missing.
using Answer = std::map<std::string, std::string>;

std::optional<Answer> AnswerIn(std::string_view head) {
  constexpr std::string_view kName = "\r\nSec-WebSocket-Extensions: permessage-deflate";
  const std::size_t at = head.find(kName);
  if (at == std::string_view::npos) return {};
  std::string_view value = head.substr(at + kName.size());
  value = value.substr(0, value.find("\r\n"));
  Answer answer;
  while (!value.empty()) {
    if (!value.starts_with("; "))
      throw std::runtime_error("not a list of parameters: " + std::string(value));
    value.remove_prefix(2);
    const std::string_view item = value.substr(0, value.find(';'));
    value.remove_prefix(item.size());
    const std::size_t equals = std::min(item.find('='), item.size());
    const bool once =
        answer.emplace(item.substr(0, equals), item.substr(std::min(equals + 1, item.size())))
            .second;
    if (!once) throw std::runtime_error("a parameter twice in an answer");
  }
  return answer;
}

int BitsIn(const Answer& answer, const char* name) {
  const auto found = answer.find(name);
  return found == answer.end() ? 15 : std::stoi(found->second);
}

Frame Compressed(unsigned opcode, std::string payload, bool fin = true) {
  Frame frame;
  frame.opcode = opcode;
  frame.payload = std::move(payload);
  frame.fin = fin;
  frame.rsv = opcode == kContinuation ? 0 : 4;
  return frame;
}

// A client that compresses with the negotiated parameters.
class DeflatingClient {
 public:
  DeflatingClient(const std::string& path, const std::string& offer, bool secure)
      : connection_(Stage::Get().gateway().port(secure),
                    secure ? Transport::kTls : Transport::kPlain) {
    connection_.Send(
        HandshakeFor(path, offer.empty() ? "" : "Sec-WebSocket-Extensions: " + offer + "\r\n"));
    const std::string head = TakeAccepted(connection_);
    if (head.find("Sec-WebSocket-Extensions") != std::string::npos) answer_ = AnswerIn(head);
    if (!answer_) return;
    deflater_ = std::make_unique<Deflater>(BitsIn(*answer_, "client_max_window_bits"),
                                           !answer_->contains("client_no_context_takeover"));
    inflater_ = std::make_unique<Inflater>(BitsIn(*answer_, "server_max_window_bits"),
                                           !answer_->contains("server_no_context_takeover"));
  }

  const std::optional<Answer>& answer() const { return answer_; }
  Connection& connection() { return connection_; }
  Inflater* inflater() { return inflater_.get(); }

  std::string Message(unsigned opcode, std::string_view payload) {
    return Encode(Compressed(opcode, deflater_->Deflate(payload)));
  }
  std::string Fragmented(unsigned opcode, std::string_view payload, std::size_t fragment) {
    const std::string whole = deflater_->Deflate(payload);
    std::string sent;
    for (std::size_t at = 0; at == 0 || at < whole.size(); at += fragment) {
      if (at > 0) sent += Ping("p");
      sent += Encode(Compressed(at == 0 ? opcode : unsigned{kContinuation},
                                whole.substr(at, fragment), at + fragment >= whole.size()));
    }
    return sent;
  }

 private:
  Connection connection_;
  std::optional<Answer> answer_;
  std::unique_ptr<Deflater> deflater_;
  std::unique_ptr<Inflater> inflater_;
};

// ---- offers

const char* const kAccepted[] = {
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; client_max_window_bits=8",
    "permessage-deflate; client_max_window_bits=9",
    "permessage-deflate; client_max_window_bits=12",
    "permessage-deflate; client_max_window_bits=15",
    "permessage-deflate; server_max_window_bits=8",
    "permessage-deflate; server_max_window_bits=9",
    "permessage-deflate; server_max_window_bits=11",
    "permessage-deflate; server_max_window_bits=15",
    "permessage-deflate; server_no_context_takeover",
    "permessage-deflate; client_no_context_takeover",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
    "permessage-deflate; server_no_context_takeover; server_max_window_bits=15",
    "permessage-deflate; client_no_context_takeover; client_max_window_bits=9",
    "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10",
    "permessage-deflate; server_max_window_bits=\"10\"",
    "permessage-deflate;server_max_window_bits=10;client_max_window_bits",
    "permessage-deflate ; server_max_window_bits = 10",
};

// With the index of the expected offer.
const std::pair<const char*, const char*> kFallbacks[] = {
    {"permessage-deflate; server_max_window_bits=7, permessage-deflate; server_max_window_bits=10",
     "server_max_window_bits=10"},
    {"permessage-deflate; server_max_window_bits=16, permessage-deflate; server_max_window_bits=11",
     "server_max_window_bits=11"},
    {"permessage-deflate; unknown, permessage-deflate; server_max_window_bits=12",
     "server_max_window_bits=12"},
    {"x-webkit-deflate-frame, permessage-deflate; server_max_window_bits=13",
     "server_max_window_bits=13"},
    {"permessage-deflate; server_max_window_bits=9, permessage-deflate",
     "server_max_window_bits=9"},
    {"permessage-deflate; server_no_context_takeover=1, permessage-deflate; "
     "client_max_window_bits=99, "
     "permessage-deflate; server_max_window_bits=14",
     "server_max_window_bits=14"},
    {"permessage-deflate; unknown\r\nSec-WebSocket-Extensions: permessage-deflate; "
     "server_max_window_bits=10",
     "server_max_window_bits=10"},
};

const char* const kDeclined[] = {
    "permessage-deflate; server_max_window_bits=7",
    "permessage-deflate; server_max_window_bits=16",
    "permessage-deflate; server_max_window_bits=0",
    "permessage-deflate; server_max_window_bits=08",
    "permessage-deflate; server_max_window_bits=010",
    "permessage-deflate; server_max_window_bits=+10",
    "permessage-deflate; server_max_window_bits=10x",
    "permessage-deflate; server_max_window_bits=1e1",
    "permessage-deflate; server_max_window_bits=4294967306",
    "permessage-deflate; server_max_window_bits",
    "permessage-deflate; client_max_window_bits=7",
    "permessage-deflate; client_max_window_bits=16",
    "permessage-deflate; client_max_window_bits=012",
    "permessage-deflate; client_max_window_bits=ten",
    "permessage-deflate; server_no_context_takeover=true",
    "permessage-deflate; client_no_context_takeover=0",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
    "permessage-deflate; client_max_window_bits; client_max_window_bits",
    "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
    "permessage-deflate; unknown",
    "permessage-deflate; unknown=1",
    "permessage-deflate; server_no_context_takeover; unknown",
    "x-webkit-deflate-frame",
    "permessage-bzip2",
    "permessage-deflated",
    "mux; permessage-deflate",
};

// Whether `offer` has the parameter, with or without a value.
bool Has(std::string_view offer, std::string_view parameter) {
  return offer.find(parameter) != std::string_view::npos;
}

int OfferedBits(std::string_view offer, std::string_view parameter) {
  const std::size_t at = offer.find(parameter);
  if (at == std::string_view::npos) return 15;
  const std::size_t digit = offer.find_first_of("0123456789;", at);
  if (digit == std::string_view::npos || offer[digit] == ';') return 15;
  return std::stoi(std::string(offer.substr(digit, 2)));
}

TEST(CompressionOffers, AreAnsweredAsTheyAllow) {
  for (const char* path : {"/deflate/service", "/takeover/service", "/deflate/bytes"}) {
    for (const char* offer : kAccepted) {
      SCOPED_TRACE(std::string(path) + ": " + offer);
      const DeflatingClient client(path, offer, false);
      ASSERT_TRUE(client.answer());
      const Answer& answer = *client.answer();
      for (const auto& [name, value] : answer) {
        const bool flag =
            name == "server_no_context_takeover" || name == "client_no_context_takeover";
        ASSERT_TRUE(flag || name == "server_max_window_bits" || name == "client_max_window_bits")
            << name;
        EXPECT_EQ(value.empty(), flag) << name;
      }
      if (Has(offer, "server_no_context_takeover")) {
        EXPECT_TRUE(answer.contains("server_no_context_takeover"));
      }
      if (Has(offer, "server_max_window_bits")) {
        EXPECT_TRUE(answer.contains("server_max_window_bits"));
      }
      if (!Has(offer, "client_max_window_bits")) {
        EXPECT_FALSE(answer.contains("client_max_window_bits"));
      }
      EXPECT_LE(BitsIn(answer, "server_max_window_bits"),
                OfferedBits(offer, "server_max_window_bits"));
      EXPECT_LE(BitsIn(answer, "client_max_window_bits"),
                OfferedBits(offer, "client_max_window_bits"));
      EXPECT_GE(BitsIn(answer, "server_max_window_bits"), 8);
      EXPECT_GE(BitsIn(answer, "client_max_window_bits"), 8);
    }
  }
}

TEST(CompressionOffers, TheFirstAcceptableIsTaken) {
  for (const auto& [offers, taken] : kFallbacks) {
    SCOPED_TRACE(offers);
    Connection connection(Stage::Get().gateway().port(false), Transport::kPlain);
    connection.Send(HandshakeFor("/deflate/service",
                                 std::string("Sec-WebSocket-Extensions: ") + offers + "\r\n"));
    const std::string head = TakeAccepted(connection);
    EXPECT_THAT(head, HasSubstr(taken));
    EXPECT_EQ(head.find("Sec-WebSocket-Extensions"), head.rfind("Sec-WebSocket-Extensions"));
  }
}

TEST(CompressionOffers, InvalidOffersAreDeclinedAndTheSessionContinuesUncompressed) {
  for (const char* offer : kDeclined) {
    SCOPED_TRACE(offer);
    DeflatingClient client("/deflate/service", offer, false);
    ASSERT_FALSE(client.answer());
    client.connection().Send(Text("plain") + Encode(Compressed(kText, "\xf2\x48\xcd\xc9\xc9\x07")));
    EXPECT_EQ(client.connection().ReadToEnd(), Ending::kEnd);
    const Received got = ReadServer(client.connection().received());
    EXPECT_EQ(got.fault, "");
    EXPECT_EQ(got.payload, "plain");
    EXPECT_EQ(got.close_code, 1002u);
  }
}

TEST(CompressionOffers, AreNotAnsweredWhereTheRouteHasNoCompression) {
  for (const char* path : {"/service", "/bytes", "/enforced", "/deflated"})
    EXPECT_FALSE(DeflatingClient(path, "permessage-deflate", false).answer()) << path;
}

// ---- messages

// Text that compresses well, and bytes that do not compress.
std::string TextOf(std::size_t size, unsigned seed) {
  const char* const words[] = {
      "frame ",   "mask ",   "socket ",   "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5 ",
      "deflate ", "window ", "{\"id\": ", "}, "};
  std::string text;
  for (unsigned state = seed; text.size() < size + 16;) {
    state = state * 1664525 + 1013904223;
    text += words[state >> 29];
    if ((state >> 20 & 7) == 0) text += std::to_string(state >> 16);
  }
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  text.resize(size);
  return text;
}

std::string NoiseOf(std::size_t size, unsigned seed) {
  std::string noise(size, '\0');
  for (char& byte : noise) {
    seed = seed * 1664525 + 1013904223;
    byte = static_cast<char>(seed >> 24);
  }
  return noise;
}

struct Road {
  const char* path;
  bool secure;
};

class CompressionTest : public TestOfCase<Road> {
 protected:
  void ExpectEchoes(const std::string& offer, std::size_t size, std::size_t fragment) {
    DeflatingClient client(GetParam().path, offer, GetParam().secure);
    ASSERT_TRUE(client.answer());
    const std::vector<Message> messages{{kText, TextOf(size, 1)},
                                        {kBinary, NoiseOf(size, 2)},
                                        {kText, TextOf(size, 1)},
                                        {kBinary, TextOf(size, 3)}};
    std::string sent;
    std::string all;
    for (const Message& message : messages) {
      sent += fragment == 0 ? client.Message(message.opcode, message.payload)
                            : client.Fragmented(message.opcode, message.payload, fragment);
      // Uncompressed messages may come between compressed ones.
      sent += Text("plain");
      all += message.payload + "plain";
    }
    client.connection().Send(sent + Close(1000));
    ASSERT_EQ(client.connection().ReadToEnd(), Ending::kEnd);
    const Received got = ReadServer(client.connection().received(), client.inflater());
    EXPECT_EQ(got.fault, "");
    EXPECT_EQ(got.close_code, 1000u) << got.close_reason;
    EXPECT_TRUE(got.payload == all) << got.payload.size() << " of " << all.size() << " bytes";
    if (!std::string_view(GetParam().path).ends_with("/bytes")) {
      EXPECT_EQ(got.messages.size(), 2 * messages.size());
      // Incompressible and short messages may be sent uncompressed.
      EXPECT_GE(got.compressed, size < 64 ? 0 : 3);
    }
  }
};

TEST_EACH(CompressionTest, EverySizeWithEveryAgreement) {
  for (const char* offer : kAccepted) {
    // Up to twice the largest window.
    for (const std::size_t size : {0, 1, 16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536}) {
      SCOPED_TRACE(std::string(offer) + ", " + std::to_string(size) + " bytes");
      ExpectEchoes(offer, size, 0);
    }
  }
}

TEST_EACH(CompressionTest, EverySizeInFragments) {
  for (const char* offer :
       {"permessage-deflate",
        "permessage-deflate; server_max_window_bits=9; client_max_window_bits"}) {
    for (const std::size_t size : {16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072}) {
      for (const std::size_t fragment : {1, 64, 256, 4096}) {
        if (size / fragment > 2048) continue;
        SCOPED_TRACE(std::string(offer) + ", " + std::to_string(size) + " bytes in fragments of " +
                     std::to_string(fragment));
        ExpectEchoes(offer, size, fragment);
      }
    }
  }
}

TEST_EACH(CompressionTest, ManyMessages) {
  for (const std::size_t size : {16, 300}) {
    DeflatingClient client(GetParam().path, "permessage-deflate; client_max_window_bits",
                           GetParam().secure);
    std::string sent;
    std::string all;
    for (unsigned i = 0; i < 5000; ++i) {
      const std::string text = TextOf(size, i);
      sent += client.Message(kText, text);
      all += text;
    }
    client.connection().Send(sent + Close(1000));
    ASSERT_EQ(client.connection().ReadToEnd(), Ending::kEnd);
    const Received got = ReadServer(client.connection().received(), client.inflater());
    EXPECT_EQ(got.fault, "");
    EXPECT_TRUE(got.payload == all);
  }
}

INSTANTIATE_NAMED_CASES(
    Everywhere, CompressionTest,
    [](const testing::TestParamInfo<Road>& row) {
      std::string name = (row.param.secure ? "tls" : "plain") + std::string(row.param.path);
      std::ranges::replace(name, '/', '_');
      return name;
    },
    Road{"/deflate/service", false}, Road{"/deflate/bytes", false},
    Road{"/takeover/service", false}, Road{"/takeover/bytes", false},
    Road{"/takeover/enforced", false}, Road{"/deflate/deflated", false},
    Road{"/takeover/deflated", false}, Road{"/takeover/service", true});

// ---- rules

struct Rule {
  const char* name;
  std::string sent;
  std::vector<Message> messages;
  unsigned close = 1000;
  bool takeover = false;
};

std::string First(unsigned opcode, std::string_view payload, bool fin = true) {
  return Encode(Compressed(opcode, std::string(payload), fin));
}

std::string WithBits(unsigned rsv, unsigned opcode, std::string_view payload) {
  Frame frame = Compressed(opcode, std::string(payload));
  frame.rsv = rsv;
  return Encode(frame);
}

const Message kHello{kText, "Hello"};

// "Hello" in the encodings of RFC 7692, section 7.2.3.
constexpr std::string_view kHelloDeflated("\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
constexpr std::string_view kHelloAgain("\xf2\x00\x11\x00\x00", 5);
constexpr std::string_view kHelloStored("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11);
constexpr std::string_view kHelloFinal("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8);
constexpr std::string_view kHelloInTwoBlocks("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
                                             13);

// NOLINTNEXTLINE(readability-function-size): a table.
std::vector<Rule> Rules() {
  Deflater deflater(15, false);
  const std::string not_utf8 = deflater.Deflate("fine so far \xed\xa0\x80");
  const std::string cut_utf8 = deflater.Deflate("fine so far \xe2\x82");
  const std::string half = deflater.Deflate(TextOf(3000, 5));
  return {
      {"hello", First(kText, kHelloDeflated), {kHello}},
      {"hello_in_two_fragments",
       First(kText, kHelloDeflated.substr(0, 3), false) + LastPart(kHelloDeflated.substr(3)),
       {kHello}},
      {"hello_behind_an_empty_fragment",
       First(kText, "", false) + LastPart(kHelloDeflated),
       {kHello}},
      {"hello_before_an_empty_fragment",
       First(kText, kHelloDeflated, false) + LastPart(""),
       {kHello}},
      {"hello_around_empty_fragments",
       First(kText, kHelloDeflated.substr(0, 2), false) + Part("") + Part("") +
           LastPart(kHelloDeflated.substr(2)),
       {kHello}},
      {"hello_with_a_ping_inside",
       First(kText, kHelloDeflated.substr(0, 4), false) + Ping("p") +
           LastPart(kHelloDeflated.substr(4)),
       {kHello}},
      {"hello_stored", First(kText, kHelloStored), {kHello}},
      {"hello_in_a_final_block", First(kText, kHelloFinal), {kHello}},
      {"hello_behind_a_final_block",
       First(kText, kHelloFinal) + First(kText, kHelloDeflated),
       {kHello, kHello}},
      {"hello_in_two_blocks", First(kText, kHelloInTwoBlocks), {kHello}},
      {"hello_twice",
       First(kText, kHelloDeflated) + First(kText, kHelloDeflated),
       {kHello, kHello}},
      {"hello_again_by_takeover",
       First(kText, kHelloDeflated) + First(kText, kHelloAgain),
       {kHello, kHello},
       1000,
       true},
      {"hello_again_across_a_plain_one",
       First(kText, kHelloDeflated) + Text("plain") + First(kText, kHelloAgain),
       {kHello, {kText, "plain"}, kHello},
       1000,
       true},
      {"plain_messages", Text("plain") + Binary("too"), {{kText, "plain"}, {kBinary, "too"}}},
      {"plain_fragments", TextPart("pl") + LastPart("ain"), {{kText, "plain"}}},
      {"empty_message", First(kText, std::string_view("\0", 1)), {{kText, ""}}},
      {"empty_binary_message", First(kBinary, std::string_view("\0", 1)), {{kBinary, ""}}},
      {"empty_in_a_fixed_block", First(kText, std::string_view("\x02\x00", 2)), {{kText, ""}}},
      {"every_kind_in_a_row",
       First(kText, kHelloDeflated) + Ping("a") + Binary("b") + First(kBinary, kHelloStored) +
           Pong("c") + Text("d"),
       {kHello, {kBinary, "b"}, {kBinary, "Hello"}, {kText, "d"}}},
      {"bit_on_a_continuation",
       First(kText, kHelloDeflated.substr(0, 3), false) +
           WithBits(4, kContinuation, kHelloDeflated.substr(3)),
       {},
       1002},
      {"bit_on_a_continuation_of_a_plain_one",
       TextPart("a") + WithBits(4, kContinuation, "b"),
       {},
       1002},
      {"bit_on_a_ping", Text("a") + WithBits(4, kPing, ""), {{kText, "a"}}, 1002},
      {"bit_on_a_pong", WithBits(4, kPong, ""), {}, 1002},
      {"bit_on_a_close", WithBits(4, kClose, "\x03\xe8"), {}, 1002},
      {"second_bit", WithBits(2, kText, "a"), {}, 1002},
      {"third_bit", WithBits(1, kBinary, "a"), {}, 1002},
      {"first_two_bits", WithBits(6, kText, kHelloDeflated), {}, 1002},
      {"first_and_third_bit", WithBits(5, kText, kHelloDeflated), {}, 1002},
      {"all_bits", WithBits(7, kText, kHelloDeflated), {}, 1002},
      {"bit_on_a_reserved_opcode", WithBits(4, 3, "a"), {}, 1002},
      {"bit_inside_a_message",
       First(kText, kHelloDeflated, false) + First(kText, kHelloDeflated),
       {},
       1002},
      {"no_such_block", First(kText, "\x07\x07\x07"), {}, 1007},
      {"no_such_block_in_the_second",
       First(kText, kHelloDeflated) + First(kText, "\xff\xff"),
       {kHello},
       1007},
      {"stored_with_a_wrong_length",
       First(kBinary, std::string_view("\x00\x05\x00\xfa\xfe\x48\x65\x6c\x6c\x6f\x00", 11)),
       {},
       1007},
      {"stored_that_is_cut", First(kBinary, kHelloStored.substr(0, 7)), {}, 1007},
      {"refers_back_to_nothing", First(kText, kHelloAgain), {}, 1007, true},
      {"refers_back_without_takeover",
       First(kText, kHelloDeflated) + First(kText, kHelloAgain),
       {kHello},
       1007},
      {"deflated_half", First(kText, half.substr(0, half.size() / 2)), {}, 1007},
      {"text_that_inflates_to_no_utf8", First(kText, not_utf8), {}, 1007},
      {"text_that_inflates_to_half_a_character", First(kText, cut_utf8), {}, 1007},
      {"binary_that_inflates_to_no_utf8",
       First(kBinary, not_utf8),
       {{kBinary, "fine so far \xed\xa0\x80"}}},
      {"plain_text_that_is_no_utf8", Text("fine so far \xed\xa0\x80"), {}, 1007},
      {"deflated_but_without_the_bit",
       Binary(kHelloDeflated),
       {{kBinary, std::string(kHelloDeflated)}}},
  };
}

// Behind a relay, the far end may not have answered everything when a rule is broken.
bool Fit(const std::vector<Message>& got, const Rule& rule, FarEnd far) {
  if (far == FarEnd::kService || rule.close == 1000) return got == rule.messages;
  return got.size() <= rule.messages.size() &&
         std::equal(got.begin(), got.end(), rule.messages.begin());
}

void ExpectRule(const Rule& rule, FarEnd far, const std::vector<std::string_view>& pieces) {
  DeflatingClient client(PathOf(far, rule.takeover ? "/takeover" : "/deflate"),
                         "permessage-deflate", false);
  ASSERT_TRUE(client.answer());
  for (const std::string_view piece : pieces) {
    client.connection().Send(piece);
    client.connection().WaitUntilRead();
  }
  EXPECT_EQ(client.connection().ReadToEnd(), Ending::kEnd);
  const Received got = ReadServer(client.connection().received(), client.inflater());
  EXPECT_EQ(got.fault, "");
  EXPECT_EQ(got.close_code, rule.close) << got.close_reason;
  if (rule.close != 1000) {
    EXPECT_NE(got.close_reason, "");
  }
  EXPECT_TRUE(Fit(got.messages, rule, far)) << got.messages.size() << " messages";
}

class CompressionRules : public TestOfCase<FarEnd> {};

TEST_EACH(CompressionRules, HoldHoweverTheBytesCome) {
  for (const Rule& rule : Rules()) {
    SCOPED_TRACE(rule.name);
    const std::string sent = rule.sent + (rule.close == 1000 ? Close(1000) : Ping("late"));
    const std::string_view all = sent;
    ExpectRule(rule, GetParam(), {all});
    if (all.size() > 200) continue;
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < all.size(); ++i) bytes.push_back(all.substr(i, 1));
    ExpectRule(rule, GetParam(), bytes);
    for (std::size_t cut = 1; cut < all.size(); ++cut)
      ExpectRule(rule, GetParam(), {all.substr(0, cut), all.substr(cut)});
  }
}

// The limit applies to the inflated message, and is enforced as soon as it is exceeded: the message
// in this test never ends.
class CompressionBomb : public TestOfCase<FarEnd> {};

TEST_EACH(CompressionBomb, EndsWith1009) {
  DeflatingClient client(PathOf(GetParam(), "/deflate"), "permessage-deflate", false);
  Deflater deflater(15, true);
  const std::string bomb = deflater.Deflate(std::string(4 << 20, '\0'));
  client.connection().Send(First(kBinary, bomb, false));
  EXPECT_EQ(client.connection().ReadToEnd(), Ending::kEnd);
  const Received got = ReadServer(client.connection().received(), client.inflater());
  EXPECT_EQ(got.fault, "");
  EXPECT_EQ(got.close_code, 1009u);
  EXPECT_NE(got.close_reason, "");
}

std::string NameOfFarEnd(const testing::TestParamInfo<FarEnd>& row) {
  return PathOf(row.param, "").substr(1);
}

INSTANTIATE_NAMED_CASES(Everywhere, CompressionRules, NameOfFarEnd, FarEnd::kService,
                        FarEnd::kEnforced, FarEnd::kDeflated);
INSTANTIATE_NAMED_CASES(Everywhere, CompressionBomb, NameOfFarEnd, FarEnd::kService, FarEnd::kBytes,
                        FarEnd::kEnforced, FarEnd::kDeflated);

TEST(CompressionLimits, MessagesWithinTheLimitWhenInflatedPass) {
  DeflatingClient client("/deflate/service", "permessage-deflate", false);
  const std::string most((1 << 20), 'm');
  client.connection().Send(client.Message(kText, most) + client.Message(kText, most + "+"));
  EXPECT_EQ(client.connection().ReadToEnd(), Ending::kEnd);
  const Received got = ReadServer(client.connection().received(), client.inflater());
  EXPECT_TRUE(got.payload == most);
  EXPECT_EQ(got.close_code, 1009u);
}

}  // namespace
}  // namespace upgate::conformance
