// Large messages, whole and in fragments, and many small ones: everything comes back, and nothing
// else.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/conformance/frames.h"
#include "tests/conformance/stage.h"
#include "tests/conformance/utf8.h"
#include "tests/support/cases.h"

namespace upgate::conformance {
namespace {

// Text with characters of every length and a long period; exactly `size` bytes. Made once.
const std::string& TextOf(std::size_t size) {
  static std::map<std::size_t, std::string> made;
  std::string& text = made[size];
  if (!text.empty()) return text;
  std::uint32_t state = 1;
  while (text.size() + 4 <= size) {
    state = state * 1664525 + 1013904223;
    const unsigned code_point = state >> 11;
    const bool surrogate = code_point >= 0xd800 && code_point < 0xe000;
    text += Utf8Of(surrogate || code_point > 0x10ffff ? code_point & 0xfff : code_point);
  }
  return text.append(size - text.size(), '.');
}

const std::string& BytesOf(std::size_t size) {
  static std::map<std::size_t, std::string> made;
  std::string& bytes = made[size];
  if (!bytes.empty()) return bytes;
  bytes.resize(size);
  std::uint32_t state = 7;
  for (char& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

class BulkTest : public TestOfCase<Setting> {
 protected:
  std::unique_ptr<Connection> Open() { return OpenClient(GetParam().far, GetParam().secure); }

  // Sends `sent` and a Close in writes of `piece` bytes; expects `messages` back, as messages or as
  // their bytes.
  void ExpectEcho(const std::string& sent, const std::vector<Message>& messages,
                  std::size_t piece = std::string::npos) {
    const auto client = Open();
    for (std::string_view rest = sent; !rest.empty();) {
      const std::string_view next = rest.substr(0, piece);
      client->Send(next);
      rest.remove_prefix(next.size());
    }
    client->Send(Close(1000));
    ASSERT_EQ(client->ReadToEnd(), Ending::kEnd);
    const Received got = ReadServer(client->received());
    EXPECT_EQ(got.fault, "");
    EXPECT_EQ(got.close_code, 1000u);
    if (GetParam().far == FarEnd::kBytes) {
      std::string all;
      for (const Message& message : messages) all += message.payload;
      EXPECT_TRUE(got.payload == all) << got.payload.size() << " of " << all.size() << " bytes";
    } else {
      EXPECT_TRUE(got.messages == messages)
          << got.messages.size() << " of " << messages.size() << " messages";
    }
  }
};

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;

TEST_EACH(BulkTest, LargeMessages) {
  for (const std::size_t size : {64 * kKiB, 256 * kKiB, kMiB, 4 * kMiB, 16 * kMiB}) {
    const std::string& text = TextOf(size);
    const std::string& bytes = BytesOf(size);
    SCOPED_TRACE(size);
    ExpectEcho(Text(text), {{kText, text}});
    ExpectEcho(Binary(bytes), {{kBinary, bytes}});
  }
}

TEST_EACH(BulkTest, LargeMessagesInFragments) {
  // Compression takes far longer than all else.
  const std::size_t size = GetParam().far == FarEnd::kDeflated ? kMiB : 4 * kMiB;
  const std::string& text = TextOf(size);
  const std::string& bytes = BytesOf(size);
  for (std::size_t fragment = 64; fragment <= size; fragment *= 4) {
    SCOPED_TRACE(fragment);
    ExpectEcho(Fragments(kText, text, fragment), {{kText, text}});
    ExpectEcho(Fragments(kBinary, bytes, fragment), {{kBinary, bytes}});
  }
}

TEST_EACH(BulkTest, LargeMessagesInSmallWrites) {
  const std::string& text = TextOf(kMiB);
  const std::string& bytes = BytesOf(kMiB);
  for (const std::size_t piece : {64, 127, 1024, 1500}) {
    SCOPED_TRACE(piece);
    ExpectEcho(Text(text), {{kText, text}}, piece);
    ExpectEcho(Binary(bytes), {{kBinary, bytes}}, piece);
  }
}

TEST_EACH(BulkTest, ManyMessages) {
  const struct {
    std::size_t size;
    int count;
  } rows[] = {{0, 1000},         {16, 100'000},     {64, 10'000},    {256, 10'000},
              {1 * kKiB, 2'000}, {4 * kKiB, 1'000}, {16 * kKiB, 250}};
  for (const auto& [size, count] : rows) {
    SCOPED_TRACE(size);
    const Message text{kText, TextOf(size)};
    const Message binary{kBinary, BytesOf(size)};
    std::string sent;
    std::vector<Message> messages;
    for (int i = 0; i < count / 2; ++i) {
      sent += Text(text.payload) + Binary(binary.payload);
      messages.insert(messages.end(), {text, binary});
    }
    ExpectEcho(sent, messages);
  }
}

TEST_EACH(BulkTest, ManyRoundTrips) {
  const auto client = Open();
  for (int i = 0; i < 2000; ++i) {
    const std::string& payload = TextOf(i % 300);
    // A TCP server sends no echo of an empty message.
    if (payload.empty()) continue;
    client->Send(Text(payload));
    ASSERT_TRUE(client->Await(payload.size() + (payload.size() < 126 ? 2 : 4))) << i;
    const Received got = ReadServer(client->TakeReceived());
    ASSERT_EQ(got.payload, payload) << i;
  }
}

// Every Unicode character, in messages of 65,536, whole and split anywhere.
TEST_EACH(BulkTest, EveryCharacter) {
  std::string sent;
  std::vector<Message> messages;
  for (unsigned plane = 0; plane <= 16; ++plane) {
    std::string text;
    for (unsigned low = 0; low < 0x10000; ++low) {
      const unsigned code_point = plane << 16 | low;
      if (code_point < 0xd800 || code_point > 0xdfff) text += Utf8Of(code_point);
    }
    sent += Text(text) + Fragments(kText, text, 997);
    messages.insert(messages.end(), 2, {kText, text});
  }
  ExpectEcho(sent, messages);
}

INSTANTIATE_CASES_IN(Everywhere, BulkTest, NameOfSetting, Settings());

}  // namespace
}  // namespace upgate::conformance
