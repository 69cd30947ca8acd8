#include "gateway/base/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace upgate {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::string_view kUrlAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<std::int8_t, 256> ValuesOf(std::string_view alphabet) {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  return values;
}

constexpr auto kValues = ValuesOf(kAlphabet);
constexpr auto kUrlValues = ValuesOf(kUrlAlphabet);

int ValueOf(char c) {
  return kValues[static_cast<unsigned char>(c)];
}

// Decodes one group of four; false if it is invalid. `padded` is set if the group ends the text.
bool DecodeGroup(const char* group, std::string& out, bool& padded) {
  const int a = ValueOf(group[0]);
  const int b = ValueOf(group[1]);
  const int c = group[2] == '=' ? 0 : ValueOf(group[2]);
  const int d = group[3] == '=' ? 0 : ValueOf(group[3]);
  if (a < 0 || b < 0 || c < 0 || d < 0) return false;
  const int padding = group[2] == '=' ? 2 : (group[3] == '=' ? 1 : 0);
  if (padding == 2 && (group[3] != '=' || (b & 15) != 0)) return false;
  if (padding == 1 && (c & 3) != 0) return false;
  const int bits = a << 18 | b << 12 | c << 6 | d;
  out += static_cast<char>(bits >> 16 & 255);
  if (padding < 2) out += static_cast<char>(bits >> 8 & 255);
  if (padding < 1) out += static_cast<char>(bits & 255);
  padded = padding > 0;
  return true;
}

}  // namespace

void Base64Encode(Bytes bytes, std::string& out) {
  const std::size_t before = out.size();
  out.resize(before + (bytes.size() + 2) / 3 * 4);
  char* to = out.data() + before;
  const auto at = [&](std::size_t i) { return std::to_integer<std::uint32_t>(bytes[i]); };
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t bits = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    for (const int shift : {18, 12, 6, 0}) *to++ = kAlphabet[bits >> shift & 63];
  }
  const std::size_t rest = bytes.size() - i;
  if (rest == 0) return;
  const std::uint32_t bits = at(i) << 16 | (rest == 2 ? at(i + 1) << 8 : 0);
  to[0] = kAlphabet[bits >> 18 & 63];
  to[1] = kAlphabet[bits >> 12 & 63];
  to[2] = rest == 2 ? kAlphabet[bits >> 6 & 63] : '=';
  to[3] = '=';
}

std::string Base64Encode(Bytes bytes) {
  std::string out;
  Base64Encode(bytes, out);
  return out;
}

std::string Base64UrlEncode(Bytes bytes) {
  std::string out = Base64Encode(bytes);
  std::ranges::replace(out, '+', '-');
  std::ranges::replace(out, '/', '_');
  out.erase(std::min(out.find('='), out.size()));
  return out;
}

std::optional<std::string> Base64Decode(std::string_view text) {
  std::string out;
  Base64Stream stream;
  if (!stream.Feed(text, out) || !stream.Finish()) return {};
  return out;
}

std::optional<std::string> Base64UrlDecode(std::string_view text) {
  const std::size_t rest = text.size() % 4;
  if (rest == 1) return {};
  std::string out(text.size() / 4 * 3 + (rest == 0 ? 0 : rest - 1), '\0');
  char* to = out.data();
  std::uint32_t bits = 0;
  int wrong = 0;  // negative once there is a character that is not of the alphabet
  const auto take = [&](char c) {
    // NOLINTNEXTLINE(bugprone-signed-char-misuse): it is a number.
    const int value = kUrlValues[static_cast<unsigned char>(c)];
    wrong |= value;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
  };
  std::size_t i = 0;
  for (; i + 4 <= text.size(); i += 4) {
    for (std::size_t k = 0; k < 4; ++k) take(text[i + k]);
    for (const int shift : {16, 8, 0}) *to++ = static_cast<char>(bits >> shift & 255);
  }
  for (; i < text.size(); ++i) take(text[i]);
  if (rest == 2) *to++ = static_cast<char>(bits >> 4 & 255);
  if (rest == 3) {
    *to++ = static_cast<char>(bits >> 10 & 255);
    *to++ = static_cast<char>(bits >> 2 & 255);
  }
  // Bits that belong to no byte must be 0, so that there is one text for each value.
  if (wrong < 0 || (rest == 2 && (bits & 15) != 0) || (rest == 3 && (bits & 3) != 0)) return {};
  return out;
}

bool Base64Stream::Feed(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (state_ != State::kOpen) state_ = State::kBroken;
    if (state_ == State::kBroken) return false;
    pending_[count_++] = c;
    if (count_ < 4) continue;
    count_ = 0;
    bool padded = false;
    if (!DecodeGroup(pending_, out, padded)) state_ = State::kBroken;
    if (padded) state_ = State::kPadded;
  }
  return state_ != State::kBroken;
}

bool Base64Stream::Finish() {
  const bool whole = std::exchange(count_, 0) == 0;
  return std::exchange(state_, State::kOpen) != State::kBroken && whole;
}

}  // namespace upgate
