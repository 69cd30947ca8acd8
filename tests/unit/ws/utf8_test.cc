#include "gateway/ws/utf8.h"

#include <random>

#include <gtest/gtest.h>

#include "tests/unit/ws/wire.h"

namespace upgate::ws {
namespace {

enum class Verdict { kComplete, kOpen, kWrong };

std::ostream& operator<<(std::ostream& out, Verdict verdict) {
  return out << (verdict == Verdict::kWrong  ? "wrong"
                 : verdict == Verdict::kOpen ? "open"
                                             : "complete");
}

// The reference uses arithmetic on code points instead of bounds of bytes. A character of `size`
// bytes of which the first `have` are known can still become any code point in a range; it is valid
// as long as the range contains a valid one.
Verdict ReferenceCharacter(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(at);
  std::size_t size = 0;
  unsigned long bits = 0;
  if (lead < 0x80) {
    size = 1, bits = lead;
  } else if (lead >> 5 == 6) {
    size = 2, bits = lead & 31;
  } else if (lead >> 4 == 14) {
    size = 3, bits = lead & 15;
  } else if (lead >> 3 == 30) {
    size = 4, bits = lead & 7;
  } else {
    return Verdict::kWrong;
  }
  const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
  for (std::size_t have = 1;; ++have) {
    const unsigned long low = bits << 6 * (size - have);
    const unsigned long high = low + (1UL << 6 * (size - have)) - 1;
    const bool surrogates = low >= 0xd800 && high <= 0xdfff;
    if (high < least[size] || low > 0x10ffff || surrogates) return Verdict::kWrong;
    if (have == size) break;
    if (at + have == text.size()) return Verdict::kOpen;
    if (byte(at + have) >> 6 != 2) return Verdict::kWrong;
    bits = bits << 6 | (byte(at + have) & 63);
  }
  at += size;
  return Verdict::kComplete;
}

Verdict Reference(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Verdict verdict = ReferenceCharacter(text, at);
    if (verdict != Verdict::kComplete) return verdict;
  }
  return Verdict::kComplete;
}

Verdict Check(std::initializer_list<std::string_view> pieces) {
  Utf8Checker checker;
  for (const std::string_view piece : pieces) {
    if (!checker.Feed(AsBytes(piece))) return Verdict::kWrong;
  }
  return checker.complete() ? Verdict::kComplete : Verdict::kOpen;
}

// In one piece, at every split, and byte by byte.
void ExpectAsReference(std::string_view text) {
  const Verdict expected = Reference(text);
  ASSERT_EQ(Check({text}), expected) << testing::PrintToString(text);
  for (std::size_t split = 1; split < text.size(); ++split) {
    ASSERT_EQ(Check({text.substr(0, split), text.substr(split)}), expected)
        << testing::PrintToString(text) << " at " << split;
  }
  Utf8Checker checker;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool right = Reference(text.substr(0, i + 1)) != Verdict::kWrong;
    ASSERT_EQ(checker.Feed(AsBytes(text.substr(i, 1))), right)
        << testing::PrintToString(text) << " byte " << i;
    if (!right) break;
  }
}

// Every value at which a rule of RFC 3629 begins or ends.
constexpr unsigned char kBoundaries[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                         0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
                                         0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};

template <class Use>
void ForEachBoundarySequence(std::size_t size, Use use) {
  std::size_t count = 1;
  for (std::size_t i = 0; i < size; ++i) count *= std::size(kBoundaries);
  std::string text(size, '\0');
  for (std::size_t n = 0; n < count && !testing::Test::HasFatalFailure(); ++n) {
    for (std::size_t i = 0, rest = n; i < size; ++i, rest /= std::size(kBoundaries)) {
      text[i] = static_cast<char>(kBoundaries[rest % std::size(kBoundaries)]);
    }
    use(text);
  }
}

TEST(Utf8, EveryPairOfBytes) {
  for (unsigned pair = 0; pair < 65536; ++pair) {
    const std::string text = {static_cast<char>(pair >> 8), static_cast<char>(pair & 255)};
    ASSERT_NO_FATAL_FAILURE(ExpectAsReference(text));
  }
}

TEST(Utf8, EveryBoundarySequenceUpToThreeBytesAtEverySplit) {
  for (const std::size_t size : {1, 2, 3}) ForEachBoundarySequence(size, ExpectAsReference);
}

TEST(Utf8, EveryBoundarySequenceOfFourBytesAtEverySplit) {
  ForEachBoundarySequence(4, ExpectAsReference);
}

// Long texts use vector code with blocks of 32 bytes: tests the sequence on both sides of a block
// boundary and across it, at the end of the text and elsewhere.
TEST(Utf8, EveryBoundarySequenceOfFourBytesInALongText) {
  const std::string_view tail =
      "\u20ac and a tail that is longer than one block of the vector unit";
  ForEachBoundarySequence(4, [&](const std::string& sequence) {
    const Verdict with_tail = Reference(sequence + "\u20ac");
    const Verdict at_the_end = Reference(sequence);
    for (std::size_t before = 28; before <= 32; ++before) {
      std::string text = "\u00e9" + std::string(before - 2, 'a') + sequence;
      ASSERT_EQ(Check({text}), at_the_end) << testing::PrintToString(text);
      text += tail;
      ASSERT_EQ(Check({text}), with_tail) << testing::PrintToString(text);
    }
  });
}

std::string RandomText(std::mt19937& random, std::size_t size) {
  const std::string_view characters[] = {"a",
                                         "\u00e9",
                                         "\u041f",
                                         "\u20ac",
                                         "\ud7ff",
                                         "\ufffe",
                                         "\U0001f600",
                                         "\U0010ffff",
                                         "~",
                                         "\u0800",
                                         "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"};
  std::string text;
  while (text.size() < size) text += characters[random() % std::size(characters)];
  return text;
}

TEST(Utf8, LongTextsWithAWrongByteAnywhere) {
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    std::string text = RandomText(random, 20 + random() % 150);
    if (round % 4 != 0) text[random() % text.size()] = static_cast<char>(random());
    if (round % 3 == 0) text.resize(random() % text.size());
    const std::string_view view = text;
    const std::size_t split = text.empty() ? 0 : random() % text.size();
    const Verdict expected = Reference(text);
    ASSERT_EQ(Check({view}), expected) << testing::PrintToString(text);
    ASSERT_EQ(Check({view.substr(0, split), view.substr(split)}), expected)
        << testing::PrintToString(text) << " at " << split;
  }
}

TEST(Utf8, ResetBeginsANewText) {
  Utf8Checker checker;
  EXPECT_TRUE(checker.Feed(AsBytes("\xf0\x9f")));
  EXPECT_FALSE(checker.complete());
  checker.Reset();
  EXPECT_TRUE(checker.complete());
  EXPECT_TRUE(checker.Feed(AsBytes("a")));
}

TEST(Utf8, PartialCharacterIsWhatIsOpenAtTheEnd) {
  const std::string text = "x\u00e9\u20ac\U0001f600\U0010ffff";
  std::size_t boundary = 0;
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const std::string_view prefix = std::string_view(text).substr(0, size);
    if (Reference(prefix) == Verdict::kComplete) boundary = size;
    EXPECT_EQ(PartialCharacter(AsBytes(prefix)), size - boundary) << size;
    // Also if the piece begins inside a character.
    for (std::size_t skip = 0; skip <= boundary; ++skip) {
      EXPECT_EQ(PartialCharacter(AsBytes(prefix.substr(skip))), size - boundary);
    }
  }
}

TEST(Utf8, CutTextEndsBetweenCharacters) {
  const std::string text = "x\u00e9\u20ac\U0001f600y";
  for (std::size_t limit = 0; limit <= text.size() + 2; ++limit) {
    const std::string_view cut = CutText(text, limit);
    EXPECT_LE(cut.size(), limit);
    EXPECT_EQ(Reference(cut), Verdict::kComplete);
    EXPECT_TRUE(text.starts_with(cut));
    if (limit >= text.size()) {
      EXPECT_EQ(cut, text);
    } else {
      EXPECT_GT(cut.size() + 4, limit);
    }
  }
  EXPECT_EQ(CutText(std::string(10, '\x80'), 6).size(), 3u)
      << "never cuts far back, for any content";
}

}  // namespace
}  // namespace upgate::ws
