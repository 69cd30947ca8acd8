#include "gateway/ws/deflate.h"

#include <malloc.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/cases.h"

namespace upgate::ws {
namespace {

using namespace std::string_literals;

// Inflates a message that arrives in pieces of `chunk` bytes, through a buffer of `room`; nothing
// after an error.
std::optional<std::string> InflateAll(Inflater& inflater, std::string_view message,
                                      std::size_t chunk = 1 << 20, std::size_t room = 4096) {
  std::string result;
  std::string out(room, '\0');
  do {
    const std::string_view piece = message.substr(0, chunk);
    message.remove_prefix(piece.size());
    Bytes input = AsBytes(piece);
    for (;;) {
      const auto got =
          inflater.Inflate(input, message.empty(), std::as_writable_bytes(std::span(out)));
      if (!got) {
        EXPECT_EQ(got.error().close_code, 1007);
        return {};
      }
      result.append(out, 0, got->size);
      if (got->done) break;
    }
  } while (!message.empty());
  return result;
}

std::string DeflateOne(Deflater& deflater, std::string_view message) {
  std::string out;
  deflater.Deflate(AsBytes(message), out);
  return out;
}

// Compressible text, incompressible noise, and runs that compress by a factor of a thousand.
std::vector<std::string> Messages() {
  std::mt19937 random(7);
  std::vector<std::string> messages{"", "Hello", "Hello", "", ""};
  for (const std::size_t size : {1, 64, 255, 256, 257, 4096, 65535, 65536, 131072}) {
    std::string text;
    while (text.size() < size) text += "message " + std::to_string(random() % 1000) + "; ";
    text.resize(size);
    messages.push_back(text);
    std::string noise(size, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    messages.push_back(noise);
    messages.emplace_back(size, 'a');
  }
  return messages;
}

std::string Noise(std::size_t size) {
  std::mt19937 random(11);
  std::string noise(size, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  return noise;
}

// Compresses well, but is expensive to search: every position has many matches.
std::string Hard(std::size_t size) {
  std::mt19937 random(13);
  std::string hard(size, '\0');
  for (char& c : hard) c = (random() & 1) != 0 ? 'a' : 'b';
  return hard;
}

// RFC 7692, sections 7.2.3.1 to 7.2.3.6.
TEST(InflaterTest, ReadsTheExamplesOfTheStandard) {
  Inflater inflater(15);
  EXPECT_EQ(InflateAll(inflater, "\xf2\x48\xcd\xc9\xc9\x07\x00"s), "Hello");
  EXPECT_EQ(InflateAll(inflater, "\xf2\x00\x11\x00\x00"s), "Hello")
      << "with the window of the first message";
  EXPECT_EQ(InflateAll(inflater, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s), "Hello")
      << "a stored block";
  EXPECT_EQ(InflateAll(inflater, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s), "Hello") << "a final block";
  EXPECT_EQ(InflateAll(inflater, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s), "Hello")
      << "two blocks";
  EXPECT_EQ(InflateAll(inflater, "\x00"s), "");
}

// RFC 7692, section 7.1.2: a sender must not do this. zlib detects it only when the referenced data
// is no longer in its window.
TEST(InflaterTest, ReferencesBeyondTheWindowAreRefusedOrInflatedAsMeant) {
  std::mt19937 random(7);
  std::string message(1000, '\0');
  for (char& c : message) c = static_cast<char>(random());
  message += message;
  Deflater deflater(15, 9);
  const std::string compressed = DeflateOne(deflater, message);
  ASSERT_LT(compressed.size(), message.size());
  for (const std::size_t room : {1, 7, 300, 4096}) {
    Inflater inflater(8);
    const auto inflated = InflateAll(inflater, compressed, 1 << 20, room);
    EXPECT_EQ(inflated.has_value(), room == 4096) << room;
    if (inflated) {
      EXPECT_EQ(*inflated, message);
    }
  }
}

TEST(InflaterTest, KeepsTheWindowAfterAFinalBlock) {
  Inflater inflater(15);
  EXPECT_EQ(InflateAll(inflater, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s), "Hello");
  EXPECT_EQ(InflateAll(inflater, "\xf2\x00\x11\x00\x00"s), "Hello");
}

TEST(InflaterTest, ResetForgetsTheWindow) {
  Inflater inflater(15);
  EXPECT_EQ(InflateAll(inflater, "\xf2\x48\xcd\xc9\xc9\x07\x00"s), "Hello");
  inflater.Reset();
  EXPECT_EQ(InflateAll(inflater, "\xf2\x00\x11\x00\x00"s), std::nullopt);
}

TEST(InflaterTest, RefusesInvalidDeflateData) {
  for (const std::string& wrong : {"\xff"s, "\x07"s, "\x00\x05\x00\x00\x00Hello"s, "\xf2\x48\xcd"s,
                                   "\xf2\x48\xcd\xc9\xc9"s, "Hello"s}) {
    for (const std::size_t chunk : {1, 2, 100}) {
      Inflater inflater(15);
      EXPECT_EQ(InflateAll(inflater, wrong, chunk), std::nullopt) << testing::PrintToString(wrong);
    }
  }
}

// Truncated anywhere, a message is either refused or inflates to a prefix of the original.
TEST(InflaterTest, AMessageThatBreaksOffGivesNothingElse) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "item " + std::to_string(i * i) + ", ";
  Deflater deflater(15, 6);
  const std::string whole = DeflateOne(deflater, text);
  int refused = 0;
  for (std::size_t size = 1; size < whole.size(); ++size) {
    Inflater inflater(15);
    const auto got = InflateAll(inflater, whole.substr(0, size));
    refused += got ? 0 : 1;
    EXPECT_TRUE(!got || text.starts_with(*got)) << size;
  }
  EXPECT_GT(refused, static_cast<int>(whole.size()) - 8);
}

TEST(InflaterTest, RandomBytesDoNoHarm) {
  std::mt19937 random(3);
  for (int i = 0; i < 3000; ++i) {
    std::string noise(1 + random() % 300, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    Inflater inflater(static_cast<std::uint8_t>(8 + i % 8));
    (void)InflateAll(inflater, noise, 1 + random() % 50, 1 + random() % 500);
  }
}

class WindowBits : public TestOfCase<int> {};

// With every window, with and without takeover, at every chunk and buffer size.
TEST_EACH(WindowBits, RoundTrip) {
  const auto bits = static_cast<std::uint8_t>(GetParam());
  for (const bool takeover : {true, false}) {
    for (const auto& [chunk, room] :
         {std::pair<std::size_t, std::size_t>{1, 1}, {7, 100}, {512, 65536}, {1 << 20, 4096}}) {
      Deflater deflater(bits, 6);
      Inflater inflater(bits);
      for (const std::string& message : Messages()) {
        if (chunk == 1 && message.size() > 20000) continue;
        if (!takeover) {
          deflater.Reset();
          inflater.Reset();
        }
        const std::string wire = DeflateOne(deflater, message);
        ASSERT_EQ(InflateAll(inflater, wire, chunk, room), message)
            << message.size() << " bytes, chunk " << chunk;
      }
    }
  }
}

INSTANTIATE_CASES(Bits, WindowBits, 8, 9, 10, 11, 12, 13, 14, 15);

// zlib itself must be able to inflate it with the small window: this makes a window of 2^8
// possible.
TEST(DeflaterTest, NeverRefersBackFurtherThanTheWindow) {
  for (int bits = 8; bits <= 15; ++bits) {
    Deflater deflater(static_cast<std::uint8_t>(bits), 9);
    Inflater inflater(static_cast<std::uint8_t>(bits));
    std::mt19937 random(11);
    for (int i = 0; i < 60; ++i) {
      std::string message(2000 + random() % 3000, '\0');
      for (char& c : message)
        c = static_cast<char>('a' + random() % 3);  // many matches, near and far
      ASSERT_EQ(InflateAll(inflater, DeflateOne(deflater, message)), message) << bits;
    }
  }
}

TEST(DeflaterTest, TakeoverMakesRepeatedMessagesSmall) {
  Deflater deflater(15, 6);
  std::string message = "{\"symbol\":\"ACME\",\"bid\":12.50,\"ask\":12.75}";
  const std::size_t first = DeflateOne(deflater, message).size();
  EXPECT_LT(DeflateOne(deflater, message).size(), first / 3);
  deflater.Reset();
  EXPECT_EQ(DeflateOne(deflater, message).size(), first);
}

// Later parts of a long message must compress faster than its beginning.
TEST(DeflaterTest, LongMessagesGetLessEffortTheLongerTheyAre) {
  const std::string hard = Hard(6 << 20);
  const auto share = [&](std::size_t size, int level) {
    return static_cast<double>(
               DeflateOne(*std::make_unique<Deflater>(15, level), hard.substr(0, size)).size()) /
           static_cast<double>(size);
  };
  const double whole = share(64 << 10, 6);
  const double quick = share(64 << 10, 1);
  ASSERT_LT(whole * 1.1, quick);
  EXPECT_NEAR(share(4 << 20, 6), quick, 0.02) << "as level 1, but for its beginning";
  EXPECT_NEAR(share(6 << 20, 6), (4 * quick + 2) / 6, 0.02) << "stored beyond 4 MiB";
  EXPECT_NEAR(share(64 << 10, 9), whole, 0.02) << "the highest level searches no more than this";
}

TEST(DeflaterTest, LongMessagesSurviveChangesOfEffort) {
  const std::vector<std::string> parts{Noise(100'000), Hard(200'001), std::string(70'000, 'x'),
                                       Noise(1 << 20), Hard(3 << 20), Noise(65'536 + 8'192),
                                       "the end"};
  std::string all;
  for (const std::string& part : parts) all += part;
  for (const int level : {1, 6, 9}) {
    for (const std::uint8_t bits : {std::uint8_t{8}, std::uint8_t{12}, std::uint8_t{15}}) {
      Deflater deflater(bits, level);
      Inflater inflater(bits);
      for (const std::string& message : {all, std::string("short"), parts[1], parts[5], all}) {
        EXPECT_EQ(InflateAll(inflater, DeflateOne(deflater, message)), message)
            << "level " << level << ", window bits " << int{bits};
      }
    }
  }
}

TEST(DeflaterTest, NoiseGrowsByNextToNothing) {
  const std::string noise = Noise(2 << 20);
  Deflater deflater(15, 6);
  EXPECT_LT(DeflateOne(deflater, noise).size(), noise.size() + noise.size() / 500);
}

TEST(DeflaterTest, AppendsToTheOutput) {
  Deflater deflater(15, 6);
  std::string out = "head";
  deflater.Deflate(AsBytes("Hello"), out);
  EXPECT_EQ(out, "head\xf2\x48\xcd\xc9\xc9\x07\x00"s);
}

// ---- memory

// Bytes in use on the heap; 0 with a sanitizer's allocator.
std::size_t HeapInUse() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// The heap use of what `make` returns, after first use.
template <class Make>
std::size_t HeapOf(Make make) {
  const std::size_t before = HeapInUse();
  const auto made = make();
  return HeapInUse() - before;
}

TEST(DeflateMemory, IsNoMoreThanReserved) {
  constexpr std::size_t kAroundThem = 64;  // overhead of the heap for a few allocations
  std::mt19937 random(1);
  std::string noise(300'000, '\0');
  for (char& c : noise) c = static_cast<char>(random() % 16);
  std::string deflated;
  Deflater(15, 6).Deflate(AsBytes(noise), deflated);
  for (std::uint8_t bits = 8; bits <= 15; ++bits) {
    SCOPED_TRACE(int{bits});
    std::string out;
    out.reserve(400'000);
    // All of it is in the mapping, whose size is what is reserved.
    const std::size_t deflater = HeapOf([&] {
      auto made = std::make_unique<Deflater>(bits, 9);
      made->Deflate(AsBytes(noise), out);
      return made;
    });
    EXPECT_LE(deflater, 512u);
    const std::size_t inflater = HeapOf([&] {
      auto made = std::make_unique<Inflater>(bits);
      std::vector<std::byte> room(400'000);
      Bytes input = AsBytes(deflated);
      EXPECT_TRUE(made->Inflate(input, true, room));
      return made;
    });
    EXPECT_LE(inflater, Inflater::Memory(bits) + kAroundThem);
  }
}

// Resident bytes of the process.
std::size_t ResidentBytes() {
  std::size_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * static_cast<std::size_t>(::getpagesize());
}

TEST(DeflateMemory, OfADeflaterGoesBackToTheSystem) {
  constexpr std::size_t kMany = 100;
  constexpr std::size_t kSlack = 4 << 20;
  const std::string text(200'000, 'a');
  std::string out;
  out.reserve(text.size());
  std::vector<std::unique_ptr<Deflater>> deflaters;
  const std::size_t before = ResidentBytes();
  std::vector<std::unique_ptr<std::string>> between;  // would keep a heap from shrinking
  for (std::size_t i = 0; i < kMany; ++i) {
    deflaters.push_back(std::make_unique<Deflater>(15, 6));
    deflaters.back()->Deflate(AsBytes(text), out);
    out.clear();
    between.push_back(std::make_unique<std::string>(100, 'x'));
  }
  EXPECT_GT(ResidentBytes(), before + kMany * Deflater::Memory(15) / 2);
  deflaters.clear();
  EXPECT_LT(ResidentBytes(), before + kSlack);
}

}  // namespace
}  // namespace upgate::ws
